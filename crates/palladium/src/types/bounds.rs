//! What values of a type can do, told from how it is made.

use std::collections::HashSet;

use super::kind::as_param;
use crate::core::Type;
use crate::names::world::{Bound, Generic, World};

/// Types that are looked into for one question; more are only met when a type contains ever larger
/// ones of itself.
const MAX_TYPES: usize = 1000;

/// Why a type does not have a bound: the way to the part that has it not, such as
/// `.handlers`, and that part.
pub(crate) type Lack = (String, Type);

impl World {
    /// Looks for what keeps a type from having a bound.
    pub(crate) fn lack(&mut self, bound: Bound, ty: &Type, generics: &[Generic]) -> Option<Lack> {
        Search { world: self, bound, generics, seen: HashSet::new() }.lack(ty, String::new())
    }
}

struct Search<'w> {
    world: &'w mut World,
    bound: Bound,
    generics: &'w [Generic],
    seen: HashSet<Type>,
}

impl Search<'_> {
    fn lack(&mut self, ty: &Type, path: String) -> Option<Lack> {
        let has = match ty {
            Type::Never => true,
            Type::Param(_) => match as_param(ty) {
                Some(nth) => self.generics.get(nth).is_some_and(|generic| {
                    generic.bounds.iter().any(|bound| bound.gives(self.bound))
                }),
                None => true,
            },
            Type::Float => self.bound != Bound::Hash,
            Type::Int => true,
            _ if self.bound == Bound::Num => false,
            Type::Fn(_) => self.bound == Bound::Show,
            Type::Reply(_) => matches!(self.bound, Bound::Show | Bound::Send),
            Type::Pid(_) | Type::Node => self.bound != Bound::Json,
            Type::Tuple(types) => return self.first(types.iter(), &path),
            Type::List(ty) => return self.first([&**ty].into_iter(), &path),
            Type::Record(..) | Type::Enum(..) => return self.declared(ty, path),
            _ => true,
        };
        (!has).then(|| (path, ty.clone()))
    }

    fn first<'t>(&mut self, types: impl Iterator<Item = &'t Type>, path: &str) -> Option<Lack> {
        types.into_iter().find_map(|ty| self.lack(ty, path.to_owned()))
    }

    fn declared(&mut self, ty: &Type, path: String) -> Option<Lack> {
        if self.seen.len() > MAX_TYPES || !self.seen.insert(ty.clone()) {
            return None;
        }
        let fields = match ty {
            Type::Record(id, args) => {
                if self.bound == Bound::Ord && self.is_unordered(ty) {
                    return Some((path, ty.clone()));
                }
                self.world.resolve_record(*id);
                let fields = self.world.records[id.0 as usize].fields.iter();
                fields
                    .map(|(name, ty)| (format!("{path}.{name}"), ty.substitute(args)))
                    .collect::<Vec<_>>()
            }
            Type::Enum(id, args) => {
                self.world.resolve_enum(*id);
                let variants = self.world.enums[id.0 as usize].variants.iter();
                let fields = variants.flat_map(|variant| {
                    variant.fields.iter().enumerate().map(|(nth, (label, ty))| {
                        let label = label.as_ref().map_or(nth.to_string(), |l| l.to_string());
                        (format!("{path}.{}.{label}", variant.name), ty.substitute(args))
                    })
                });
                fields.collect()
            }
            _ => Vec::new(),
        };
        fields.into_iter().find_map(|(path, ty)| self.lack(&ty, path))
    }

    /// Maps and sets have no order.
    fn is_unordered(&mut self, ty: &Type) -> bool {
        let Type::Record(id, _) = ty else { return false };
        let home = self.world.record_decls[id.0 as usize].module;
        let module = self.world.module(home);
        module.library && matches!(&*module.name, "map" | "set")
    }
}
