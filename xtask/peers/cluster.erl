%% Nodes of a BEAM cluster. On its own epmd, on loopback:
%%
%% erl -noshell -name mI@127.0.0.1 -setcookie C -run cluster mesh I N
%%     prints "full" once it is connected to all of m0 .. m(N-1), then stays.
%% erl -noshell -name b@127.0.0.1 -setcookie C
%% erl -noshell -name a@127.0.0.1 -setcookie C -run cluster rates b@127.0.0.1
%%     prints, as a line of JSON, what messages between processes of the two nodes take.
-module(cluster).
-export([mesh/1, rates/1, echo/0, count/2]).

mesh([Number, Total]) ->
    Number =:= "0" orelse join('m0@127.0.0.1'),
    wait(list_to_integer(Total) - 1),
    io:format("full~n"),
    receive stop -> ok end.

join(Seed) ->
    case net_adm:ping(Seed) of
        pong -> ok;
        pang -> timer:sleep(20), join(Seed)
    end.

wait(Others) ->
    case length(nodes()) >= Others of
        true -> ok;
        false -> timer:sleep(10), wait(Others)
    end.

rates([Peer]) ->
    Node = list_to_atom(Peer),
    join(Node),
    Echo = spawn(Node, ?MODULE, echo, []),
    Short = binary:copy(<<1>>, 8),
    round_trips(Echo, Short, 1000),
    Trips = 20000,
    {Time, _} = timer:tc(fun() -> round_trips(Echo, Short, Trips) end),
    Small = one_way(Node, 500000, 64),
    Large = one_way(Node, 10000, 65536),
    io:format("{\"round_trip_us\": ~.3f, \"one_way_64_per_s\": ~.1f, "
              "\"one_way_64k_bytes_per_s\": ~.1f}~n",
              [Time / Trips, Small, Large * 65536]),
    halt().

echo() -> receive {From, Message} -> From ! Message, echo() end.

round_trips(_, _, 0) -> ok;
round_trips(Echo, Message, N) ->
    Echo ! {self(), Message},
    receive Message -> round_trips(Echo, Message, N - 1) end.

%% Messages a second, until the last has been taken out.
one_way(Node, N, Size) ->
    Receiver = spawn(Node, ?MODULE, count, [N, self()]),
    Message = binary:copy(<<1>>, Size),
    {Time, _} = timer:tc(fun() -> send(Receiver, Message, N), receive done -> ok end end),
    N / (Time / 1.0e6).

send(_, _, 0) -> ok;
send(To, Message, N) -> To ! Message, send(To, Message, N - 1).

count(0, From) -> From ! done;
count(N, From) -> receive _ -> count(N - 1, From) end.
