%% erl +S 2:2 +P 5000000 -noshell -run processes main WORKLOAD N: prints, as a line of JSON, the
%% answer, the seconds that it took, and the resident memory in bytes before and after. The same
%% algorithms as in crates/iridium-vm/benches/processes.
-module(processes).
-behaviour(gen_server).
-export([main/1, tree/3, init/1, handle_call/3, handle_cast/2]).

main([Workload, Argument]) ->
    N = list_to_integer(Argument),
    Before = resident(),
    {Time, Answer} = run(Workload, N),
    io:format("{\"answer\": ~p, \"seconds\": ~.9f, \"before\": ~p, \"resident\": ~p}~n",
              [Answer, Time / 1.0e6, Before, resident()]),
    halt().

run("ring", N) ->
    First = ring(503),
    timer:tc(fun() -> First ! N, receive {ended, Number} -> Number end end);
run(Workload, N) ->
    timer:tc(fun() -> work(Workload, N) end).

work("spawn", N) ->
    Me = self(),
    starts(N - 1),
    spawn(fun() -> Me ! last end),
    receive last -> N end;
work("pingpong", N) ->
    Echo = spawn(fun echo/0),
    pings(Echo, 0, N);
work("oneway", N) ->
    Me = self(),
    Receiver = spawn(fun() -> add_up(N, 0, Me) end),
    sends(Receiver, 0, N),
    receive {sum, Sum} -> Sum end;
work("call", N) ->
    {ok, Counter} = gen_server:start(?MODULE, 0, []),
    calls(Counter, N, 0);
work("idle", N) ->
    waits(N),
    N;
work("skynet", N) ->
    spawn(?MODULE, tree, [0, N, self()]),
    receive Sum -> Sum end.

starts(0) -> ok;
starts(N) -> spawn(fun() -> ok end), starts(N - 1).

echo() -> receive {From, Number} -> From ! {self(), Number}, echo() end.

pings(_, N, N) -> N;
pings(Echo, I, N) ->
    Echo ! {self(), I},
    receive {Echo, I} -> pings(Echo, I + 1, N) end.

%% The last one of the ring has no next one yet when it is started, so it is told.
ring(Size) ->
    Me = self(),
    Last = spawn(fun() -> receive {next, Next} -> link(Size, Next, Me) end end),
    First = lists:foldl(
              fun(Number, Next) -> spawn(fun() -> link(Number, Next, Me) end) end,
              Last, lists:seq(Size - 1, 1, -1)),
    Last ! {next, First},
    First.

link(Number, Next, Main) ->
    receive
        0 -> Main ! {ended, Number};
        Token -> Next ! Token - 1
    end,
    link(Number, Next, Main).

sends(_, N, N) -> ok;
sends(Receiver, I, N) -> Receiver ! I, sends(Receiver, I + 1, N).

add_up(0, Sum, Main) -> Main ! {sum, Sum};
add_up(N, Sum, Main) -> receive Number -> add_up(N - 1, Sum + Number, Main) end.

calls(_, 0, Last) -> Last;
calls(Counter, N, _) -> calls(Counter, N - 1, gen_server:call(Counter, {add, 1})).

init(Start) -> {ok, Start}.
handle_call({add, By}, _, Count) -> {reply, Count + By, Count + By}.
handle_cast(_, Count) -> {noreply, Count}.

waits(0) -> ok;
waits(N) -> spawn(fun() -> receive stop -> ok end end), waits(N - 1).

tree(First, 1, Parent) -> Parent ! First;
tree(First, Size, Parent) ->
    Part = Size div 10,
    [spawn(?MODULE, tree, [First + I * Part, Part, self()]) || I <- lists:seq(0, 9)],
    Parent ! sum(10, 0).

sum(0, Sum) -> Sum;
sum(N, Sum) -> receive Number -> sum(N - 1, Sum + Number) end.

%% As Linux tells it; 0 elsewhere.
resident() ->
    case file:read_file("/proc/self/status") of
        {ok, Status} ->
            {match, [Kibibytes]} =
                re:run(Status, "VmRSS:\\s*(\\d+)", [{capture, all_but_first, list}]),
            list_to_integer(Kibibytes) * 1024;
        _ -> 0
    end.
