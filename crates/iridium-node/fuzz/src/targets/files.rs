//! Files that a node reads.

use iridium_isa::Module;
use iridium_sched::supervisor::app::App;

/// A file of peers is read as far as it can be; what is read is written in a form that is read again.
pub fn peers(input: &[u8]) {
    iridium_net::fuzz::peers(&String::from_utf8_lossy(input));
}

/// An app file is refused, or is an app whose modules are asked for each.
pub fn app(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(app) = App::parse(&text) else { return };
    let modules = app.modules();
    let none = app.spec(|module| {
        assert!(modules.contains(&module), "{module} is not among the modules");
        Err::<Box<Module>, _>("there is none")
    });
    assert!(none.is_err() || modules.is_empty());
}
