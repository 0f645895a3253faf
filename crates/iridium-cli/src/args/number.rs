//! Whole numbers, with errors that say which are allowed.

use std::fmt::Display;
use std::num::{IntErrorKind, ParseIntError};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A parser for the numbers of this range.
pub(super) fn number<N>(
    range: RangeInclusive<N>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static
where
    N: FromStr<Err = ParseIntError> + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let (least, most) = (range.start(), range.end());
        let outside = || format!("it must be from {least} to {most}");
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            Ok(_) => Err(outside()),
            Err(error) => Err(match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => outside(),
                // A negative number for an unsigned type.
                _ if text.parse::<i128>().is_ok() => outside(),
                _ => "it is not a whole number".into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn an_error_says_which_numbers_are_allowed() {
        let small = number(1_usize..=16);
        assert_eq!(small("16"), Ok(16));
        for text in ["0", "17", "-1", "99999999999999999999"] {
            assert_eq!(small(text), Err("it must be from 1 to 16".into()), "{text}");
        }
        for text in ["", "x", "1.5", "0x10", "-"] {
            assert_eq!(small(text), Err("it is not a whole number".into()), "{text}");
        }
        assert_eq!(number(i64::MIN..=i64::MAX)("-9223372036854775808"), Ok(i64::MIN));
    }
}
