//! The types of instances of generic declarations.

use super::Type;

impl Type {
    /// `()`.
    pub fn unit() -> Self {
        Self::Tuple([].into())
    }

    /// This type with the arguments in the place of the parameters. A parameter without an argument
    /// stays.
    #[must_use]
    pub fn substitute(&self, args: &[Self]) -> Self {
        if args.is_empty() {
            return self.clone();
        }
        let all = |types: &[Self]| types.iter().map(|ty| ty.substitute(args)).collect();
        match self {
            Self::Param(n) => args.get(*n as usize).unwrap_or(self).clone(),
            Self::Tuple(parts) => Self::Tuple(all(parts)),
            Self::List(element) => Self::List(element.substitute(args).into()),
            Self::Record(id, types) => Self::Record(*id, all(types)),
            Self::Enum(id, types) => Self::Enum(*id, all(types)),
            Self::Pid(inbox) => Self::Pid(inbox.substitute(args).into()),
            Self::Reply(answer) => Self::Reply(answer.substitute(args).into()),
            Self::Fn(of) => Self::Fn(
                super::FnType {
                    params: of.params.iter().map(|ty| ty.substitute(args)).collect(),
                    result: of.result.substitute(args),
                    receives: of.receives.as_ref().map(|ty| ty.substitute(args)),
                }
                .into(),
            ),
            Self::Int
            | Self::Float
            | Self::Bool
            | Self::Char
            | Self::String
            | Self::Bytes
            | Self::Duration
            | Self::Node
            | Self::Never => self.clone(),
        }
    }
}
