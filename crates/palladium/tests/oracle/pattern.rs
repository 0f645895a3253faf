//! Patterns.

use palladium::core::{Pattern, PatternKind};

use super::evaluator::{Evaluator, Frame, Outcome, wrong};
use super::value::Value;

impl<'p> Evaluator<'p> {
    /// Whether a value is as a pattern says. What the pattern binds is bound as it goes.
    pub(super) fn fits(
        &mut self,
        frame: &mut Frame<'p>,
        value: &Value,
        pattern: &'p Pattern,
    ) -> Outcome<bool> {
        self.spend(0)?;
        Ok(match (&pattern.kind, value) {
            (PatternKind::Any, _) => true,
            (PatternKind::Bind(local), _) => {
                frame.bind(*local, value.clone());
                true
            }
            (PatternKind::As(inner, local), _) => {
                frame.bind(*local, value.clone());
                self.fits(frame, value, inner)?
            }
            (PatternKind::Or(patterns), _) => {
                for pattern in patterns {
                    if self.fits(frame, value, pattern)? {
                        return Ok(true);
                    }
                }
                false
            }
            (PatternKind::Variant { variant, fields, .. }, Value::Variant(is, values)) => {
                variant == is && self.all_fit(frame, values, fields)?
            }
            (
                PatternKind::Record { fields, .. } | PatternKind::Tuple(fields),
                Value::Fields(is),
            ) => self.all_fit(frame, is, fields)?,
            (PatternKind::List { patterns, open }, Value::List(list)) => {
                let length = if *open { list.len().min(patterns.len()) } else { list.len() };
                length == patterns.len() && self.all_fit(frame, &list[..length], patterns)?
            }
            (PatternKind::Int(n), Value::Word(is)) => n == is,
            (PatternKind::Int(n), Value::Float(is)) => *n as f64 == *is,
            (PatternKind::Float(n), Value::Float(is)) => n == is,
            (PatternKind::String(text), Value::Text(is)) => text.as_bytes() == &is[..],
            (PatternKind::Bytes(bytes), Value::Text(is)) => bytes[..] == is[..],
            (PatternKind::IntRange(start, end), Value::Word(is)) => (start..=end).contains(&is),
            (PatternKind::FloatRange { start, end, inclusive }, Value::Float(is)) => {
                if *inclusive {
                    (start..=end).contains(&is)
                } else {
                    (start..end).contains(&is)
                }
            }
            (kind, value) => return wrong(format!("{kind:?} for {value:?}")),
        })
    }

    fn all_fit(
        &mut self,
        frame: &mut Frame<'p>,
        values: &[Value],
        patterns: &'p [Pattern],
    ) -> Outcome<bool> {
        for (value, pattern) in values.iter().zip(patterns) {
            if !self.fits(frame, value, pattern)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
