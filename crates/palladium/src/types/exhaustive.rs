//! Whether the arms of a match leave something out, and which of them nothing can reach.
//!
//! The algorithm is that of Luc Maranget, "Warnings for pattern matching" (Journal of Functional
//! Programming 17, 2007): patterns are a matrix, of which the first column is taken apart by its
//! constructors. Integers are split at the ends of the ranges that occur, lists at the lengths.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::core::{Enum, EnumId, Pattern, PatternKind, Record, Type};

/// Steps after which a match counts as too much to look through: it can take time that is
/// exponential in the number of its arms.
const MAX_STEPS: u32 = 200_000;

/// What is to be said about the arms of a match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// A value that no arm takes, as a pattern.
    pub missing: Option<String>,
    /// The positions of arms that are never reached.
    pub unreachable: Vec<usize>,
    /// There is too much to look through; nothing is known.
    pub too_complex: bool,
}

/// The declarations that the types of patterns name.
#[derive(Debug, Clone, Copy)]
pub struct Declarations<'p> {
    /// By their ids.
    pub records: &'p [Record],
    /// By their ids.
    pub enums: &'p [Enum],
}

/// Looks at the arms of a match over values of a type. Each has its pattern, and whether it has a
/// guard, so that it may let pass what fits it.
pub fn check(declarations: Declarations<'_>, ty: &Type, arms: &[(&Pattern, bool)]) -> Report {
    let mut search = Search { declarations, steps: 0 };
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut unreachable = Vec::new();
    let types = [ty.clone()];
    for (nth, (pattern, guarded)) in arms.iter().enumerate() {
        let row = vec![Cell::Pattern(pattern)];
        if !search.reaches(&rows, &row, &types) {
            unreachable.push(nth);
        }
        if !guarded {
            rows.push(row);
        }
    }
    let missing = search.missing(&rows, &types);
    if search.steps > MAX_STEPS {
        return Report { too_complex: true, ..Report::default() };
    }
    let missing = missing.and_then(|mut witness| witness.pop());
    Report { missing, unreachable, too_complex: false }
}

type Row<'p> = Vec<Cell<'p>>;

#[derive(Debug, Clone, Copy)]
enum Cell<'p> {
    Any,
    Pattern(&'p Pattern),
}

/// One way in which values of a type are made.
#[derive(Debug, Clone, PartialEq)]
enum Constructor {
    /// A record or tuple has just one.
    Only,
    Variant(u32),
    /// All integers from one to another.
    Ints(i64, i64),
    /// A list of this length.
    Length(usize),
    /// A list of this length, or longer.
    Longer(usize),
    /// A text, or a float, of which there are endlessly many.
    Value(String),
    /// All that no pattern of the column names.
    Other,
}

struct Search<'p> {
    declarations: Declarations<'p>,
    steps: u32,
}

impl<'p> Search<'p> {
    /// Values, as patterns in the order of the columns, that no row takes.
    fn missing(&mut self, rows: &[Row<'p>], types: &[Type]) -> Option<Vec<String>> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        let Some((ty, rest)) = types.split_first() else {
            return rows.is_empty().then(Vec::new);
        };
        let rows = expanded(rows);
        if rows.iter().all(|row| matches!(head(row), Cell::Any)) {
            let rows: Vec<_> = rows.iter().map(|row| row[1..].to_vec()).collect();
            let mut witness = self.missing(&rows, rest)?;
            witness.insert(0, "_".to_owned());
            return Some(witness);
        }
        self.constructors(&rows, ty).into_iter().find_map(|constructor| {
            let fields = self.fields(&constructor, ty);
            let inner: Vec<_> = rows
                .iter()
                .filter_map(|row| specialised(row, &constructor, fields.len()))
                .collect();
            let types: Vec<_> = fields.iter().chain(rest).cloned().collect();
            let mut witness = self.missing(&inner, &types)?;
            let tail = witness.split_off(fields.len());
            let text = self.text(&constructor, ty, &witness);
            Some(std::iter::once(text).chain(tail).collect())
        })
    }

    /// Whether something that no row takes fits this one.
    fn reaches(&mut self, rows: &[Row<'p>], row: &Row<'p>, types: &[Type]) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return true;
        }
        let Some((ty, rest)) = types.split_first() else {
            return rows.is_empty();
        };
        let alternatives = expanded(std::slice::from_ref(row));
        if alternatives.len() > 1 {
            return alternatives.iter().any(|row| self.reaches(rows, row, types));
        }
        let Some(row) = alternatives.first() else { return false };
        let rows = expanded(rows);
        let mut all = rows.clone();
        all.push(row.clone());
        if all.iter().all(|row| matches!(head(row), Cell::Any)) {
            let rows: Vec<_> = rows.iter().map(|row| row[1..].to_vec()).collect();
            return self.reaches(&rows, &row[1..].to_vec(), rest);
        }
        self.constructors(&all, ty).into_iter().any(|constructor| {
            let fields = self.fields(&constructor, ty);
            let Some(row) = specialised(row, &constructor, fields.len()) else { return false };
            let inner: Vec<_> = rows
                .iter()
                .filter_map(|row| specialised(row, &constructor, fields.len()))
                .collect();
            let types: Vec<_> = fields.iter().chain(rest).cloned().collect();
            self.reaches(&inner, &row, &types)
        })
    }

    /// All constructors of a type, with those that the first column does not tell apart as one.
    fn constructors(&self, rows: &[Row<'p>], ty: &Type) -> Vec<Constructor> {
        let patterns = rows.iter().filter_map(|row| match head(row) {
            Cell::Pattern(pattern) => Some(&pattern.kind),
            Cell::Any => None,
        });
        match ty {
            Type::Tuple(_) | Type::Record(..) => vec![Constructor::Only],
            Type::Enum(id, _) => (0..self.variants(*id)).map(Constructor::Variant).collect(),
            Type::Bool => split(0, 1, patterns),
            Type::Char => {
                let low = split(0, 0xd7ff, patterns.clone());
                low.into_iter().chain(split(0xe000, 0x0010_ffff, patterns)).collect()
            }
            Type::Int | Type::Duration => split(i64::MIN, i64::MAX, patterns),
            Type::List(_) => lengths(patterns),
            _ => {
                let values: BTreeSet<String> = patterns.filter_map(value).collect();
                let values = values.into_iter().map(Constructor::Value);
                values.chain([Constructor::Other]).collect()
            }
        }
    }

    fn variants(&self, id: EnumId) -> u32 {
        self.declarations.enums.get(id.0 as usize).map_or(0, |of| of.variants.len() as u32)
    }

    /// The types of what a constructor holds.
    fn fields(&self, constructor: &Constructor, ty: &Type) -> Vec<Type> {
        match (constructor, ty) {
            (Constructor::Only, Type::Tuple(parts)) => parts.to_vec(),
            (Constructor::Only, Type::Record(id, args)) => {
                let record = self.declarations.records.get(id.0 as usize);
                let fields = record.map_or(&[][..], |record| &record.fields);
                fields.iter().map(|(_, ty)| ty.substitute(args)).collect()
            }
            (Constructor::Variant(nth), Type::Enum(id, args)) => {
                let of = self.declarations.enums.get(id.0 as usize);
                let variant = of.and_then(|of| of.variants.get(*nth as usize));
                let fields = variant.map_or(&[][..], |variant| &variant.fields);
                fields.iter().map(|(_, ty)| ty.substitute(args)).collect()
            }
            (Constructor::Length(length) | Constructor::Longer(length), Type::List(element)) => {
                vec![(**element).clone(); *length]
            }
            _ => Vec::new(),
        }
    }

    /// A constructor with the patterns of what it holds.
    fn text(&self, constructor: &Constructor, ty: &Type, fields: &[String]) -> String {
        let list = fields.join(", ");
        match (constructor, ty) {
            (Constructor::Only, Type::Record(id, _)) => {
                let record = self.declarations.records.get(id.0 as usize);
                with_fields(record.map_or("_", |record| &record.name), fields)
            }
            (Constructor::Only, _) => format!("({list})"),
            (Constructor::Variant(nth), Type::Enum(id, _)) => {
                let of = self.declarations.enums.get(id.0 as usize);
                let variant = of.and_then(|of| of.variants.get(*nth as usize));
                with_fields(variant.map_or("_", |variant| &variant.name), fields)
            }
            (Constructor::Ints(0, _), Type::Bool) => "false".into(),
            (Constructor::Ints(..), Type::Bool) => "true".into(),
            (Constructor::Ints(from, to), Type::Int) if from == to => from.to_string(),
            (Constructor::Ints(from, to), Type::Char) if from == to => {
                let scalar = u32::try_from(*from).ok().and_then(char::from_u32);
                scalar.map_or_else(|| "_".into(), |scalar| format!("{scalar:?}"))
            }
            (Constructor::Length(_), _) => format!("[{list}]"),
            (Constructor::Longer(0), _) => "_".into(),
            (Constructor::Longer(_), _) => format!("[{list}, ..]"),
            _ => "_".into(),
        }
    }
}

/// `Node(_, _)`; what holds nothing worth a word is `Node(..)`.
fn with_fields(name: &str, fields: &[String]) -> String {
    if fields.is_empty() {
        name.to_owned()
    } else if fields.len() > 1 && fields.iter().all(|field| field == "_") {
        format!("{name}(..)")
    } else {
        format!("{name}({})", fields.join(", "))
    }
}

fn head<'p>(row: &Row<'p>) -> Cell<'p> {
    row.first().copied().unwrap_or(Cell::Any)
}

/// The rows with one for each alternative of the first column, and without names in it.
fn expanded<'p>(rows: &[Row<'p>]) -> Vec<Row<'p>> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        expand(head(row), &mut |cell| {
            let mut row = row.clone();
            if let Some(first) = row.first_mut() {
                *first = cell;
            }
            all.push(row);
        });
    }
    all
}

fn expand<'p>(cell: Cell<'p>, push: &mut impl FnMut(Cell<'p>)) {
    let Cell::Pattern(pattern) = cell else { return push(cell) };
    match &pattern.kind {
        PatternKind::Any | PatternKind::Bind(_) => push(Cell::Any),
        PatternKind::As(inner, _) => expand(Cell::Pattern(inner), push),
        PatternKind::Or(all) => {
            for alternative in all {
                expand(Cell::Pattern(alternative), push);
            }
        }
        _ => push(cell),
    }
}

/// The row for values that a constructor makes, with a column for each thing that it holds; `None`
/// when they do not fit.
fn specialised<'p>(row: &Row<'p>, constructor: &Constructor, arity: usize) -> Option<Row<'p>> {
    let any = || vec![Cell::Any; arity];
    let all = |patterns: &'p [Pattern]| patterns.iter().map(Cell::Pattern).collect();
    let fields: Row<'p> = match head(row) {
        Cell::Any => any(),
        Cell::Pattern(pattern) => match (&pattern.kind, constructor) {
            (PatternKind::Tuple(fields) | PatternKind::Record { fields, .. }, _) => all(fields),
            (PatternKind::Variant { variant, fields, .. }, Constructor::Variant(nth)) => {
                (variant == nth).then(|| all(fields))?
            }
            (PatternKind::Int(n), Constructor::Ints(from, to)) => {
                (n <= from && to <= n).then(any)?
            }
            (PatternKind::IntRange(low, high), Constructor::Ints(from, to)) => {
                (low <= from && to <= high).then(any)?
            }
            (PatternKind::List { patterns, open }, Constructor::Length(length)) => {
                let fits = patterns.len() == *length || *open && patterns.len() < *length;
                fits.then(|| padded(patterns, arity))?
            }
            (PatternKind::List { patterns, open: true }, Constructor::Longer(_)) => {
                padded(patterns, arity)
            }
            (kind, Constructor::Value(of)) => (value(kind).as_ref() == Some(of)).then(any)?,
            _ => return None,
        },
    };
    Some(fields.into_iter().chain(row.iter().skip(1).copied()).collect())
}

fn padded(patterns: &[Pattern], length: usize) -> Row<'_> {
    let some = patterns.iter().map(Cell::Pattern);
    some.chain(std::iter::repeat(Cell::Any)).take(length).collect()
}

/// The integers from one to another, cut at the ends of all ranges in the patterns.
fn split<'p>(
    from: i64,
    to: i64,
    patterns: impl Iterator<Item = &'p PatternKind>,
) -> Vec<Constructor> {
    // Where a part begins.
    let mut begins = BTreeSet::from([from]);
    for pattern in patterns {
        let (low, high) = match pattern {
            PatternKind::Int(n) => (*n, *n),
            PatternKind::IntRange(low, high) => (*low, *high),
            _ => continue,
        };
        begins.extend([Some(low), high.checked_add(1)].into_iter().flatten());
    }
    let begins: Vec<i64> = begins.range(from..=to).copied().collect();
    let ends = begins.iter().skip(1).map(|next| next - 1).chain([to]);
    begins.iter().zip(ends).map(|(begin, end)| Constructor::Ints(*begin, end)).collect()
}

/// The lengths that patterns of lists tell apart.
fn lengths<'p>(patterns: impl Iterator<Item = &'p PatternKind>) -> Vec<Constructor> {
    let longest = patterns.filter_map(|pattern| match pattern {
        PatternKind::List { patterns, open } => Some(patterns.len() + usize::from(!open)),
        _ => None,
    });
    let longest = longest.max().unwrap_or(0);
    (0..longest).map(Constructor::Length).chain([Constructor::Longer(longest)]).collect()
}

/// What tells one text or float from others.
fn value(pattern: &PatternKind) -> Option<String> {
    let bytes = |bytes: &Arc<[u8]>| format!("b{bytes:?}");
    match pattern {
        PatternKind::String(text) => Some(format!("s{text}")),
        PatternKind::Bytes(text) => Some(bytes(text)),
        PatternKind::Float(x) => Some(format!("f{x:?}")),
        PatternKind::FloatRange { start, end, inclusive } => {
            Some(format!("r{start:?} {end:?} {inclusive}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{LocalId, Variant};

    fn pattern(kind: PatternKind) -> Pattern {
        Pattern { kind, ty: Type::Int, span: 0..0 }
    }

    fn any() -> Pattern {
        pattern(PatternKind::Bind(LocalId(0)))
    }

    fn int(n: i64) -> Pattern {
        pattern(PatternKind::Int(n))
    }

    fn tuple(fields: Vec<Pattern>) -> Pattern {
        pattern(PatternKind::Tuple(fields))
    }

    fn node(variant: u32, fields: Vec<Pattern>) -> Pattern {
        pattern(PatternKind::Variant { of: EnumId(0), variant, fields })
    }

    fn list(patterns: Vec<Pattern>, open: bool) -> Pattern {
        pattern(PatternKind::List { patterns, open })
    }

    /// `enum Tree { Leaf, Node(Tree, Int) }`
    fn tree() -> (Type, Vec<Enum>) {
        let ty = Type::Enum(EnumId(0), [].into());
        let variant = |name: &str, fields: &[Type]| Variant {
            name: name.into(),
            fields: fields.iter().map(|ty| (None, ty.clone())).collect(),
        };
        let variants = vec![variant("Leaf", &[]), variant("Node", &[ty.clone(), Type::Int])];
        (ty, vec![Enum { name: "Tree".into(), generics: 0, variants }])
    }

    fn report(ty: &Type, arms: &[Pattern]) -> Report {
        let (_, enums) = tree();
        let arms: Vec<_> = arms.iter().map(|pattern| (pattern, false)).collect();
        check(Declarations { records: &[], enums: &enums }, ty, &arms)
    }

    fn missing(ty: &Type, arms: &[Pattern]) -> Option<String> {
        report(ty, arms).missing
    }

    #[test]
    fn fizzbuzz_leaves_nothing_out_and_has_no_dead_arm() {
        let ty = Type::Tuple([Type::Int, Type::Int].into());
        let mut arms = vec![
            tuple(vec![int(0), int(0)]),
            tuple(vec![int(0), any()]),
            tuple(vec![any(), int(0)]),
        ];
        assert_eq!(missing(&ty, &arms).as_deref(), Some("(_, _)"));
        arms.push(any());
        assert_eq!(report(&ty, &arms), Report::default());
        arms.push(tuple(vec![int(7), int(7)]));
        assert_eq!(report(&ty, &arms).unreachable, [4]);
    }

    #[test]
    fn a_variant_that_is_left_out_is_shown_with_what_is_in_it() {
        let (ty, _) = tree();
        assert_eq!(missing(&ty, &[node(0, vec![])]).as_deref(), Some("Node(..)"));
        let deep = node(1, vec![node(0, vec![]), any()]);
        let found = missing(&ty, &[node(0, vec![]), deep.clone()]);
        assert_eq!(found.as_deref(), Some("Node(Node(..), _)"));
        let all = [node(0, vec![]), deep, node(1, vec![any(), any()])];
        assert_eq!(report(&ty, &all), Report::default());
    }

    #[test]
    fn ranges_of_integers_are_put_together() {
        let range = |low, high| pattern(PatternKind::IntRange(low, high));
        let both = [range(i64::MIN, -1), range(0, i64::MAX)];
        assert_eq!(report(&Type::Int, &both), Report::default());
        let gap = [range(i64::MIN, -1), range(1, i64::MAX)];
        assert_eq!(missing(&Type::Int, &gap).as_deref(), Some("0"));
        let dead = [range(0, 9), range(10, 19), range(5, 15), any()];
        assert_eq!(report(&Type::Int, &dead).unreachable, [2]);
        let scalars = [range(0, 0x0010_ffff)];
        assert_eq!(report(&Type::Char, &scalars), Report::default());
    }

    #[test]
    fn both_truths_are_enough() {
        assert_eq!(missing(&Type::Bool, &[int(1)]).as_deref(), Some("false"));
        assert_eq!(report(&Type::Bool, &[int(1), int(0)]), Report::default());
    }

    #[test]
    fn lists_are_told_apart_by_length() {
        let ty = Type::List(Type::Int.into());
        assert_eq!(missing(&ty, &[list(vec![], false)]).as_deref(), Some("[_, ..]"));
        let two = [list(vec![], false), list(vec![any()], true)];
        assert_eq!(report(&ty, &two), Report::default());
        assert_eq!(missing(&ty, &[list(vec![any()], true)]).as_deref(), Some("[]"));
    }

    #[test]
    fn texts_are_never_all_named() {
        let text = |text: &str| pattern(PatternKind::String(text.into()));
        assert_eq!(missing(&Type::String, &[text("a")]).as_deref(), Some("_"));
        let twice = [text("a"), text("a"), any()];
        assert_eq!(report(&Type::String, &twice).unreachable, [1]);
    }

    #[test]
    fn an_arm_with_a_guard_counts_for_nothing() {
        let (ty, enums) = tree();
        let all = any();
        let arms = [(&all, true)];
        let report = check(Declarations { records: &[], enums: &enums }, &ty, &arms);
        assert_eq!(report.missing.as_deref(), Some("_"));
    }

    #[test]
    fn alternatives_count_each() {
        let or = pattern(PatternKind::Or(vec![int(0), int(1)]));
        assert_eq!(report(&Type::Bool, std::slice::from_ref(&or)), Report::default());
        assert_eq!(report(&Type::Bool, &[or, int(1)]).unreachable, [1]);
    }

    #[test]
    fn a_match_that_is_made_to_be_slow_is_given_up() {
        // Twenty columns, and a row for each two of them.
        let width = 20;
        let ty = Type::Tuple(vec![Type::Bool; width].into());
        let arms: Vec<_> = (0..width)
            .flat_map(|a| (0..width).map(move |b| (a, b)))
            .filter(|(a, b)| a < b)
            .map(|(a, b)| {
                let cell = |n| if n == a || n == b { int(1) } else { any() };
                tuple((0..width).map(cell).collect())
            })
            .collect();
        let began = std::time::Instant::now();
        report(&ty, &arms);
        assert!(began.elapsed().as_secs() < 20);
    }
}
