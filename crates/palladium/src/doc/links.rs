//! Which names in a documentation are told of where.

use std::collections::BTreeMap;

use super::{Kind, Module};

/// Where the items of several modules are told of.
#[derive(Debug, Default)]
pub struct Links {
    /// By module and name, the anchor.
    items: BTreeMap<(String, String), String>,
    /// The modules of types, by the names of these.
    types: BTreeMap<String, String>,
}

impl Links {
    /// The links to all items of some modules.
    pub fn to(modules: &[Module]) -> Self {
        let mut links = Self::default();
        for module in modules {
            links.items.insert((module.name.clone(), String::new()), String::new());
            for item in &module.items {
                let key = (module.name.clone(), item.name.clone());
                links.items.entry(key).or_insert_with(|| item.anchor.clone());
                if item.kind == Kind::Type {
                    let home = module.name.clone();
                    links.types.entry(item.name.clone()).or_insert(home);
                }
            }
        }
        links
    }

    /// What a name in the documentation of a module means: `name`, `module.name`, a type or a
    /// module. Gives a module, and an anchor that is empty for all of it.
    pub(super) fn find(&self, from: &str, name: &str) -> Option<(&str, &str)> {
        let name = name.strip_suffix("()").unwrap_or(name);
        if name.is_empty() {
            return None;
        }
        let (module, last) = name.rsplit_once('.').unwrap_or(("", name));
        let item = |module: &str, last: &str| {
            let found = self.items.get_key_value(&(module.to_owned(), last.to_owned()))?;
            let ((module, _), anchor) = found;
            Some((module.as_str(), anchor.as_str()))
        };
        match module {
            "" => item(from, last)
                .or_else(|| self.types.get(last).and_then(|home| item(home, last)))
                .or_else(|| item(name, "")),
            _ => item(module, last)
                .or_else(|| item(&format!("std.{module}"), last))
                .or_else(|| item(name, "")),
        }
    }
}
