//! Three terminals that talk through the mesh:
//!
//! ```text
//! cargo run -p iridium-net --example chat -- ann 127.0.0.1:3001
//! cargo run -p iridium-net --example chat -- ben 127.0.0.1:3002 127.0.0.1:3001
//! cargo run -p iridium-net --example chat -- cleo 127.0.0.1:3003 127.0.0.1:3002
//! ```
//!
//! Every line typed in one of them appears in the others. Ctrl-D ends it.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::{env, thread};

use iridium_net::{Config, Event, Manager, Secrets, Security, secret_path};
use iridium_proto::{NodeAlias, ViewState};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, listen, seeds @ ..] = arguments.as_slice() else {
        return Err("usage: chat NAME IP:PORT [IP:PORT of someone who is there]".into());
    };
    let security = Security::Secret(Secrets::load_or_create(&secret_path()?)?);
    let mut config = Config::new(listen.parse()?, security);
    config.alias = Some(NodeAlias::new(name.as_str())?);
    let node = Manager::start(config)?;
    thread::Builder::new().name("events".into()).spawn({
        let events = node.events();
        move || events.iter().for_each(|event| tell(&event))
    })?;
    thread::Builder::new().name("messages".into()).spawn({
        let messages = node.messages();
        move || {
            for message in messages.iter() {
                say(&format!(
                    "{}: {}",
                    message.from.alias,
                    String::from_utf8_lossy(&message.bytes)
                ));
            }
        }
    })?;
    for seed in seeds {
        let report = node.join(seed.parse()?)?;
        say(&format!("* {} are here", report.members));
    }
    for line in io::stdin().lock().lines() {
        send_to_all(&node, &line?);
    }
    node.leave();
    Ok(())
}

fn send_to_all(node: &Manager, line: &str) {
    for member in node.members().iter().filter(|member| member.state == ViewState::Alive) {
        if let Err(error) = node.send(&member.info.alias, line.as_bytes().to_vec()) {
            say(&format!("* not sent to {}: {error}", member.info.alias));
        }
    }
}

fn tell(event: &Event) {
    match event {
        Event::Up { info, .. } => say(&format!("* {} came", info.alias)),
        Event::Left { id } => say(&format!("* {} left", id.alias)),
        Event::Down { id } => say(&format!("* {} is gone", id.alias)),
        _ => {}
    }
}

/// Prints a line; a terminal that has been closed is no reason to panic.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
