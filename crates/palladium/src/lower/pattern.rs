//! Patterns: a decision tree that looks at each part of a value at most once on each way.
//!
//! A row is an arm with the tests that are still open. One test of the first row decides, for all
//! rows that test the same part, which of them are left.

use super::code::{CELLS, Value};
use super::function::Body;
use super::rows::{Outcome, Path, Row, Test, outcome};
use super::shape::Layout;
use super::value::Source;
use crate::core::{Arm, Expr, Pattern, PatternKind, Type};
use crate::mir::{BlockIdx, Class, Compare, Elem, Inst, Operand, Reg, Terminator};

/// Where to go when an arm fits, if its guard is true as well.
struct Target<'a> {
    block: BlockIdx,
    guard: Option<&'a Expr>,
}

/// What all rows of one decision have in common.
struct Goal<'a> {
    targets: Vec<Target<'a>>,
    /// Where to go when nothing fits; `None`: there is always something.
    fail: Option<BlockIdx>,
}

impl<'a> Body<'_, 'a> {
    pub(super) fn match_(&mut self, value: &'a Expr, arms: &'a [Arm], ty: &Type) -> Value {
        let of = self.ty(&value.ty);
        let value = self.expr(value);
        let guards: Vec<&Expr> = arms.iter().filter_map(|arm| arm.guard.as_ref()).collect();
        let value = self.keep_over(value, &guards);
        let result = self.code.value(ty);
        let after = self.code.block();
        let target = |arm: &'a Arm| Target { block: self.code.block(), guard: arm.guard.as_ref() };
        let targets = arms.iter().map(target).collect();
        let goal = Goal { targets, fail: None };
        let mut rows = Vec::new();
        for (n, arm) in arms.iter().enumerate() {
            rows.extend(self.row(n, &value, &of, &arm.pattern));
        }
        self.decide(rows, &goal);
        for (arm, target) in arms.iter().zip(&goal.targets) {
            self.code.at(target.block);
            self.expr_to(&arm.body, &result);
            self.code.jump(after);
        }
        self.code.at(after);
        result
    }

    pub(super) fn is(
        &mut self,
        value: &'a Expr,
        pattern: &'a Pattern,
        then: BlockIdx,
        otherwise: BlockIdx,
    ) {
        let of = self.ty(&value.ty);
        let value = self.expr(value);
        self.fit(&value, &of, pattern, then, Some(otherwise));
    }

    pub(super) fn let_(
        &mut self,
        pattern: &'a Pattern,
        value: &'a Expr,
        otherwise: Option<&'a Expr>,
    ) {
        let of = self.ty(&value.ty);
        let value = self.expr(value);
        if let PatternKind::Bind(local) = pattern.kind {
            return self.bind(local, &value);
        }
        let then = self.code.block();
        let fail = otherwise.map(|otherwise| (self.code.block(), otherwise));
        self.fit(&value, &of, pattern, then, fail.map(|(block, _)| block));
        if let Some((block, otherwise)) = fail {
            self.code.at(block);
            self.expr(otherwise);
            self.code.end(Terminator::Unreachable);
        }
        self.code.at(then);
    }

    fn fit(
        &mut self,
        value: &[Reg],
        ty: &Type,
        pattern: &'a Pattern,
        then: BlockIdx,
        fail: Option<BlockIdx>,
    ) {
        let rows = self.row(0, value, ty, pattern);
        let targets = vec![Target { block: then, guard: None }];
        self.decide(rows, &Goal { targets, fail });
    }

    fn row(&mut self, arm: usize, value: &[Reg], ty: &Type, pattern: &'a Pattern) -> Vec<Row<'a>> {
        let (path, source) = (Path::new(), Source::Regs(value.to_vec()));
        let test = Test { path, source, ty: ty.clone(), pattern };
        self.with_tests(Row::new(arm), vec![test])
    }

    fn decide(&mut self, mut rows: Vec<Row<'a>>, goal: &Goal<'a>) {
        while let Some(first) = rows.first() {
            if !first.tests.is_empty() {
                return self.test(rows, goal);
            }
            let row = rows.remove(0);
            let target = &goal.targets[row.arm];
            self.bind_row(&row, target.guard.is_some());
            let Some(guard) = target.guard else { return self.code.jump(target.block) };
            let next = self.code.block();
            self.condition(guard, target.block, next);
            self.code.at(next);
        }
        match goal.fail {
            Some(fail) => self.code.jump(fail),
            None => self.code.end(Terminator::Unreachable),
        }
    }

    /// `again`: what is bound may be needed for other rows as well.
    fn bind_row(&mut self, row: &Row<'a>, again: bool) {
        for (local, source, ty) in &row.binds {
            let value = self.code.read(source, ty);
            let once = !again && row.binds.len() == 1;
            let value = if once { value } else { self.unmoved(value) };
            self.bind(*local, &value);
        }
    }

    /// A value that nothing moves away from its registers.
    fn unmoved(&mut self, value: Value) -> Value {
        let copies = value.iter().map(|s| {
            let class = self.code.class(*s);
            let d = self.code.reg(class);
            self.code.emit(Inst::Copy { d, s: *s });
            d
        });
        copies.collect()
    }

    /// A row with more tests, without those that always succeed; several where a pattern has
    /// alternatives.
    fn with_tests(&mut self, row: Row<'a>, tests: Vec<Test<'a>>) -> Vec<Row<'a>> {
        let mut rows = vec![row];
        for test in tests {
            let mut next = Vec::new();
            for row in rows {
                next.extend(self.with_test(row, test.clone()));
            }
            rows = next;
        }
        rows
    }

    fn with_test(&mut self, mut row: Row<'a>, mut test: Test<'a>) -> Vec<Row<'a>> {
        match &test.pattern.kind {
            PatternKind::Any => vec![row],
            PatternKind::Bind(local) => {
                row.binds.push((*local, test.source, test.ty));
                vec![row]
            }
            PatternKind::As(pattern, local) => {
                // What is bound twice is read once.
                test.source = Source::Regs(self.code.read(&test.source, &test.ty));
                row.binds.push((*local, test.source.clone(), test.ty.clone()));
                self.with_test(row, Test { pattern, ..test })
            }
            PatternKind::Or(patterns) => {
                let mut rows = Vec::new();
                for pattern in patterns {
                    rows.extend(self.with_test(row.clone(), Test { pattern, ..test.clone() }));
                }
                rows
            }
            PatternKind::Record { fields, .. } | PatternKind::Tuple(fields) => {
                let tests = self.fields_of(&test, fields);
                self.with_tests(row, tests)
            }
            _ => {
                row.tests.push(test);
                vec![row]
            }
        }
    }

    fn fields_of(&mut self, test: &Test<'a>, fields: &'a [Pattern]) -> Vec<Test<'a>> {
        let shape = self.code.shape(&test.ty);
        let Layout::Product(product) = &shape.layout else { return Vec::new() };
        if fields.iter().all(|pattern| matches!(pattern.kind, PatternKind::Any)) {
            return Vec::new();
        }
        let source = match &test.source {
            Source::Element { list, index } if !product.boxed && shape.parts.len() > 1 => {
                let class = self.code.context.types.cell(&test.ty);
                let base = self.code.reg(class);
                let (list, index) = (*list, *index);
                self.code.emit(Inst::LoadElem { d: base, base: list, index, width: Elem::Cell });
                Source::Cells { base, offset: CELLS }
            }
            Source::Cells { .. } if !product.boxed => test.source.clone(),
            other => Source::Regs(self.code.read(other, &test.ty)),
        };
        let mut tests = Vec::new();
        for (n, pattern) in fields.iter().enumerate() {
            let (source, ty) = match &source {
                Source::Cells { base, offset } => {
                    let offset = offset + 8 * product.fields.first[n] as u16;
                    (Source::Cells { base: *base, offset }, product.fields.types[n].clone())
                }
                Source::Regs(value) => self.code.field(value, &test.ty, n),
                Source::Element { .. } => continue,
            };
            tests.push(Test { path: test.below(0, n), source, ty, pattern });
        }
        tests
    }

    /// Decides by a test of the first row: the one that most others have as well.
    fn test(&mut self, mut rows: Vec<Row<'a>>, goal: &Goal<'a>) {
        let uses = |test: &Test<'_>| rows.iter().filter(|row| row.has(&test.path)).count();
        let Some(test) = rows[0].tests.iter().rev().max_by_key(|test| uses(test)).cloned() else {
            return;
        };
        let value = self.code.read(&test.source, &test.ty);
        for row in &mut rows {
            row.set_source(&test.path, &value);
        }
        match &test.pattern.kind {
            PatternKind::Variant { .. } => self.by_variant(rows, goal, &test, &value),
            PatternKind::Int(_) => self.by_number(rows, goal, &test, value[0]),
            _ => self.by_truth(rows, goal, &test, &value),
        }
    }

    fn by_variant(&mut self, rows: Vec<Row<'a>>, goal: &Goal<'a>, test: &Test<'a>, value: &[Reg]) {
        let shape = self.code.shape(&test.ty);
        let Layout::Sum(sum) = &shape.layout else { return };
        let tested = |row: &Row<'a>| match row.pattern(&test.path) {
            Some(PatternKind::Variant { variant, .. }) => Some(*variant),
            _ => None,
        };
        let named: Vec<u32> = (0..sum.variants.len() as u32)
            .filter(|variant| rows.iter().any(|row| tested(row) == Some(*variant)))
            .collect();
        let others: Vec<Row<'a>> =
            rows.iter().filter(|row| tested(row).is_none()).cloned().collect();
        let is_whole = named.len() == sum.variants.len();
        let is_open = !is_whole && (goal.fail.is_some() || !others.is_empty());
        let blocks: Vec<BlockIdx> = named.iter().map(|_| self.code.block()).collect();
        let otherwise = match blocks.last() {
            Some(last) if !is_open => *last,
            _ => self.code.block(),
        };
        let target = |variant: u32| {
            named.iter().position(|name| *name == variant).map_or(otherwise, |n| blocks[n])
        };
        let targets: Vec<BlockIdx> = (0..sum.variants.len() as u32).map(target).collect();
        self.code.switch_on_variant(value, &test.ty, &targets, otherwise);
        for (variant, block) in named.iter().zip(&blocks) {
            self.code.at(*block);
            let mut left = Vec::new();
            for row in rows.iter().filter(|row| tested(row).is_none_or(|n| n == *variant)) {
                let (row, pattern) = row.without(&test.path);
                let fields = match pattern {
                    Some(Pattern { kind: PatternKind::Variant { fields, .. }, .. }) => fields,
                    _ => [].as_slice(),
                };
                let mut tests = Vec::new();
                for (n, pattern) in fields.iter().enumerate() {
                    let (source, ty) = self.code.payload(value, &test.ty, *variant, n);
                    tests.push(Test { path: test.below(*variant, n), source, ty, pattern });
                }
                left.extend(self.with_tests(row, tests));
            }
            self.decide(left, goal);
        }
        if is_open {
            self.code.at(otherwise);
            self.decide(others, goal);
        }
    }

    fn by_number(&mut self, rows: Vec<Row<'a>>, goal: &Goal<'a>, test: &Test<'a>, value: Reg) {
        let mut numbers: Vec<i64> = Vec::new();
        for row in &rows {
            if let Some(PatternKind::Int(n)) = row.pattern(&test.path)
                && !numbers.contains(n)
            {
                numbers.push(*n);
            }
        }
        let blocks: Vec<BlockIdx> = numbers.iter().map(|_| self.code.block()).collect();
        let is_whole = matches!(test.ty, Type::Bool) && numbers.len() == 2;
        let otherwise = if is_whole { blocks[1] } else { self.code.block() };
        self.switch_on_number(value, &numbers, &blocks, otherwise);
        for (number, block) in numbers.iter().zip(&blocks) {
            self.code.at(*block);
            let left = rows.iter().filter(|row| match row.pattern(&test.path) {
                Some(PatternKind::Int(n)) => n == number,
                Some(PatternKind::IntRange(from, to)) => (from..=to).contains(&number),
                _ => true,
            });
            let left = left.map(|row| row.without(&test.path).0).collect();
            self.decide(left, goal);
        }
        if !is_whole {
            self.code.at(otherwise);
            let is_other =
                |row: &&Row<'a>| !matches!(row.pattern(&test.path), Some(PatternKind::Int(_)));
            self.decide(rows.iter().filter(is_other).cloned().collect(), goal);
        }
    }

    /// By a table where the numbers are close to each other, else by one comparison for each.
    fn switch_on_number(
        &mut self,
        value: Reg,
        numbers: &[i64],
        blocks: &[BlockIdx],
        otherwise: BlockIdx,
    ) {
        let (least, most) = numbers
            .iter()
            .fold((i64::MAX, i64::MIN), |(least, most), n| (least.min(*n), most.max(*n)));
        let width = most.saturating_sub(least);
        if numbers.len() > 3 && width < 3 * numbers.len() as i64 {
            let at = |n: i64| numbers.iter().position(|number| *number == n);
            let target = |n: i64| at(n).map_or(otherwise, |at| blocks[at]);
            let targets = (least..=most).map(target).collect();
            let least = self.code.int(least);
            let op = crate::mir::BinaryOp::SubWrap;
            let value = self.code.binary(op, value, Operand::Reg(least));
            return self.code.end(Terminator::Switch { value, targets, otherwise });
        }
        for (number, block) in numbers.iter().zip(blocks) {
            if *block == otherwise {
                break;
            }
            let next = self.code.block();
            let b = self.limit(*number);
            self.code.branch(Compare::Eq, value, b, *block, next);
            self.code.at(next);
        }
        self.code.jump(otherwise);
    }

    fn limit(&mut self, number: i64) -> Operand {
        match i32::try_from(number) {
            Ok(n) => Operand::Imm(n),
            Err(_) => Operand::Reg(self.code.int(number)),
        }
    }

    /// By whether the pattern fits.
    fn by_truth(&mut self, rows: Vec<Row<'a>>, goal: &Goal<'a>, test: &Test<'a>, value: &[Reg]) {
        let (yes, no) = (self.code.block(), self.code.block());
        self.truth_of(test, value, yes, no);
        for (block, truth) in [(yes, true), (no, false)] {
            self.code.at(block);
            let mut left = Vec::new();
            for row in &rows {
                match row.pattern(&test.path).map(|kind| outcome(&test.pattern.kind, kind, truth)) {
                    None | Some(Outcome::Open) => left.push(row.clone()),
                    Some(Outcome::Impossible) => {}
                    Some(Outcome::Certain) => {
                        let (row, pattern) = row.without(&test.path);
                        let tests = self.elements_of(test, value, pattern);
                        left.extend(self.with_tests(row, tests));
                    }
                }
            }
            self.decide(left, goal);
        }
    }

    fn elements_of(
        &mut self,
        test: &Test<'a>,
        value: &[Reg],
        pattern: Option<&'a Pattern>,
    ) -> Vec<Test<'a>> {
        let (Some(PatternKind::List { patterns, .. }), Type::List(ty)) =
            (pattern.map(|pattern| &pattern.kind), &test.ty)
        else {
            return Vec::new();
        };
        let mut tests = Vec::new();
        for (n, pattern) in patterns.iter().enumerate() {
            if !matches!(pattern.kind, PatternKind::Any) {
                let source = Source::Element { list: value[0], index: self.code.int(n as i64) };
                let (path, ty) = (test.below(0, n), Type::clone(ty));
                tests.push(Test { path, source, ty, pattern });
            }
        }
        tests
    }

    fn truth_of(&mut self, test: &Test<'a>, value: &[Reg], yes: BlockIdx, no: BlockIdx) {
        match &test.pattern.kind {
            PatternKind::IntRange(from, to) => {
                let next = self.code.block();
                let from = self.limit(*from);
                self.code.branch(Compare::Ge, value[0], from, next, no);
                self.code.at(next);
                let to = self.limit(*to);
                self.code.branch(Compare::Le, value[0], to, yes, no);
            }
            PatternKind::Float(number) => {
                self.branch_on_float(value[0], Compare::Eq, *number, yes, no)
            }
            PatternKind::FloatRange { start, end, inclusive } => {
                let next = self.code.block();
                self.branch_on_float(value[0], Compare::Ge, *start, next, no);
                self.code.at(next);
                let op = if *inclusive { Compare::Le } else { Compare::Lt };
                self.branch_on_float(value[0], op, *end, yes, no);
            }
            PatternKind::String(text) => self.text(&test.ty, value, text.as_bytes(), yes, no),
            PatternKind::Bytes(bytes) => self.text(&test.ty, value, bytes, yes, no),
            PatternKind::List { patterns, open } => {
                let length = self.code.length(value[0]);
                let op = if *open { Compare::Ge } else { Compare::Eq };
                let b = Operand::Imm(patterns.len() as i32);
                self.code.branch(op, length, b, yes, no);
            }
            _ => self.code.jump(yes),
        }
    }

    fn branch_on_float(
        &mut self,
        a: Reg,
        op: Compare,
        number: f64,
        then: BlockIdx,
        otherwise: BlockIdx,
    ) {
        let b = self.code.reg(Class::Float);
        self.code.emit(Inst::Float { d: b, value: number });
        self.code.end(Terminator::FloatBranch { op, a, b, then, otherwise });
    }

    fn text(&mut self, ty: &Type, value: &[Reg], text: &[u8], yes: BlockIdx, no: BlockIdx) {
        let text = self.code.text(text);
        self.code.branch_equal(ty, value, &[text], yes, no);
    }
}
