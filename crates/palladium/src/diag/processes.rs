//! Problems about processes and their messages.

use std::sync::Arc;

use super::{Place, Problem};

/// An actor that is called like a record.
pub(crate) fn not_spawned(place: Place, name: &str) -> Problem {
    Problem::error("not-spawned", place, format!("`{name}` is an actor: it is spawned"))
        .label("this is an actor")
        .help(format!("write `spawn {name}(…)`: it gives a `Pid[{name}]`"))
}

/// `spawn` before something else than a call of a function or an actor.
pub(crate) fn not_spawnable(place: Place) -> Problem {
    Problem::error("not-spawnable", place, "`spawn` starts a function or an actor")
        .label("this is neither")
        .help("write `spawn f(x)`, `spawn Actor(x)`, or with a closure `task(f)`")
}

/// A process cannot change what is another's.
pub(crate) fn spawned_inout(place: Place) -> Problem {
    Problem::error("not-spawnable", place, "a process cannot change a variable of another one")
        .label("it would be changed by the process")
        .help("pass the value, and let the process send back what it makes of it")
}

/// `self()` or `receive` where nothing is received.
pub(crate) fn no_inbox(place: Place, what: &str) -> Problem {
    let message = format!("{what} needs an inbox, and this function has none");
    Problem::error("wrong-inbox", place, message)
        .label("nothing is received here")
        .help("say what it receives: `fn worker(n: Int) receives Job { … }`")
}

/// `receive` in a handler or function of an actor.
pub(crate) fn receive_in_actor(place: Place) -> Problem {
    let start = place.span.start;
    let place = Place { span: start..start + "receive".len() as u32, ..place };
    Problem::error("wrong-inbox", place, "an actor takes its messages with handlers")
        .label("it would take messages that are for them")
        .help("declare `on name(…) { … }` in the actor, or call who is to answer")
}

/// A process has no message of this name, but others.
pub(crate) fn no_message(place: Place, ty: &str, name: &str, messages: &[Arc<str>]) -> Problem {
    let messages: Vec<String> = messages.iter().map(|name| format!("`{name}`")).collect();
    Problem::error("unknown-name", place, format!("`{ty}` has no `{name}`"))
        .label("is not among its messages")
        .help(format!("its messages are {}; another needs an `on {name}`", messages.join(", ")))
}

/// A function that receives is called by one that does not receive the same.
pub(crate) fn wrong_inbox(
    place: Place,
    name: &str,
    needs: &str,
    own: Option<&str>,
    declared: Place,
) -> Problem {
    let message = match own {
        Some(own) => format!("`{name}` receives `{needs}`, but this function receives `{own}`"),
        None => format!("`{name}` receives `{needs}`, but this function has no inbox"),
    };
    Problem::error("wrong-inbox", place, message)
        .label("it would take messages that are not for it")
        .because(declared, "declared here")
        .help(format!("start it as a process of its own: `spawn {name}(…)`"))
}

/// A reply that its function does nothing with.
pub(crate) fn unused_reply(place: Place, name: &str) -> Problem {
    Problem::warning("unused-reply", place, format!("nobody is answered with `{name}`"))
        .label("whoever asks waits for it in vain")
        .help(format!("write `{name}.send(…)`, or pass it on to whoever will"))
}

/// A process asks itself.
pub(crate) fn asks_itself(place: Place) -> Problem {
    Problem::warning("asks-itself", place, "a process that asks itself waits in vain")
        .label("it cannot answer while it waits")
        .help("call a function of the actor: `fn name(…) { … }` beside its handlers")
}

/// A time behind something that takes none.
pub(crate) fn no_time(place: Place, word: &str) -> Problem {
    let (message, help) = match word {
        "within" => (
            "`within` says how long a call of an actor may take",
            "it stands behind `pid.handler(…)` or `ask(pid, fn(r) => …)`",
        ),
        _ => (
            "only a message to an actor can be sent later",
            "write `pid.handler(…) after 200.ms`, of a handler without a result",
        ),
    };
    Problem::error("wrong-time", place, message).label("this is no such call").help(help)
}

/// A time for the answer to a message, which has none.
pub(crate) fn no_wait(place: Place) -> Problem {
    Problem::error("wrong-time", place, "nobody waits for a message: it is only sent")
        .label("this has no answer")
        .help("leave `within …` out, or give the handler a result: `on get() -> Int`")
}

/// A handler of what the system tells with other parameters than it has.
pub(crate) fn system_handler(place: Place, name: &str, ty: &str) -> Problem {
    let message = match ty {
        "()" => format!("`on {name}` takes nothing and gives nothing"),
        ty => format!("`on {name}` takes a `{ty}` at most, and gives nothing"),
    };
    Problem::error("wrong-handler", place, message)
        .label("this is not what it is called with")
        .help(match ty {
            "()" => format!("write `on {name}() {{ … }}`"),
            ty => format!("write `on {name}(x: {ty}) {{ … }}`"),
        })
}

/// An older form of what the system tells.
pub(crate) fn old_of_system(place: Place, name: &str) -> Problem {
    Problem::error(
        "wrong-handler",
        place,
        format!("`{name}` is the system's: it has no older form"),
    )
    .label("this is no message")
    .help(format!("leave it out; `on {name}` is all there is"))
}

/// A handler of an older form that another handler has.
pub(crate) fn same_message(place: Place, signature: &str, first: Place) -> Problem {
    let message = format!("another handler takes the same message, `{signature}`");
    Problem::error("declared-twice", place, message)
        .label("it would never be called")
        .because(first, "the message is handled here")
        .help("say what it was like before: the names and types of its parameters, and its result")
}

/// A handler that is not called.
pub(crate) fn uncalled_message(place: Place, name: &str) -> Problem {
    Problem::error("mismatched-types", place, format!("`{name}` is a message, not a value"))
        .label("it is not sent")
        .help(format!("send it: `pid.{name}(…)`"))
}

/// A message to an actor, of which there may be many processes or none.
pub(crate) fn message_to_actor(place: Place, actor: &str, name: &str) -> Problem {
    let message = format!("`{name}` is a message to a process, and `{actor}` is none");
    let process = actor.to_lowercase();
    Problem::error("mismatched-types", place, message)
        .label("it is not known to which process")
        .help(format!("write `let {process} = spawn {actor}(…)`, then `{process}.{name}(…)`"))
}

/// A message that is not known here.
pub(crate) fn not_a_message(place: Place) -> Problem {
    Problem::error("wrong-inbox", place, "what the system tells is one of a few records")
        .label("this is none of them")
        .help("write `system Down(pid, reason)`, `Exit(pid, reason)`, `NodeUp(node)` or `NodeDown(node)`")
}

/// A program with several apps.
pub(crate) fn second_app(place: Place, first: Place) -> Problem {
    Problem::error("second-app", place, "a program has one app")
        .label("this is another one")
        .because(first, "the first is here")
        .help("put the children of both into one")
}

/// An app in which nothing is started.
pub(crate) fn no_children(place: Place, name: &str) -> Problem {
    Problem::error("no-children", place, format!("the app `{name}` has no children"))
        .label("starts nothing")
        .help("write what it starts: `child name = Actor(…)`")
}

/// A setting of an app or of a child with a value that it does not have.
pub(crate) fn setting(place: Place, name: &str, wanted: &str) -> Problem {
    let example = match name {
        "strategy" => "one_for_one",
        "restarts" => "3 within 5.s",
        "restart" => "transient",
        _ => "5.s",
    };
    Problem::error("wrong-setting", place, format!("`{name}` is {wanted}"))
        .label("this is something else")
        .help(format!("write for example `{name}: {example}`"))
}

/// `become` before something else than a call.
pub(crate) fn not_a_call(place: Place) -> Problem {
    Problem::error("not-spawnable", place, "`become` goes on as another function")
        .label("this is no call")
        .help("write `become f(x)`, or `return` to end this one")
}
