//! Functions that do the same are emitted once. They stand at the same place in the source, so they
//! are instances of one generic function, and a backtrace says nothing else.

use std::collections::BTreeMap;

use super::code::{Line, Link};
use crate::mir::{FnIdx, Program};

/// For each function the one that is emitted in its place.
pub(super) fn merge(program: &Program, bodies: &[Vec<Line>]) -> Vec<FnIdx> {
    let mut same: Vec<FnIdx> = (0..bodies.len() as u32).map(FnIdx).collect();
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, (body, function)) in bodies.iter().zip(&program.functions).enumerate() {
        let begin = body.first().map_or(0, |line| line.at);
        groups.entry((function.file, begin, body.len())).or_default().push(at);
    }
    groups.retain(|_, group| group.len() > 1);
    // Functions that call such as were found to be the same may be the same, too.
    while groups
        .values()
        .fold(false, |changed, group| merge_group(group, bodies, &mut same) | changed)
    {}
    same
}

fn merge_group(group: &[usize], bodies: &[Vec<Line>], same: &mut [FnIdx]) -> bool {
    let mut changed = false;
    for (nth, at) in group.iter().enumerate() {
        let itself = FnIdx(*at as u32);
        let Some(body) = bodies.get(*at).filter(|_| same.get(*at) == Some(&itself)) else {
            continue;
        };
        let first = group.iter().take(nth).find(|other| {
            same.get(**other).is_some_and(|to| to.0 as usize == **other)
                && bodies.get(**other).is_some_and(|other_body| {
                    equal(body, other_body, (itself, FnIdx(**other as u32)), same)
                })
        });
        if let Some(first) = first {
            same.iter_mut().filter(|to| **to == itself).for_each(|to| *to = FnIdx(*first as u32));
            changed = true;
        }
    }
    changed
}

/// Whether two functions do the same, when each calling itself is the same.
fn equal(a: &[Line], b: &[Line], (in_a, in_b): (FnIdx, FnIdx), same: &[FnIdx]) -> bool {
    let link = |link: Link, itself: FnIdx| {
        let meant = |function: FnIdx| {
            let meant = same.get(function.0 as usize).copied().unwrap_or(function);
            if meant == itself { in_a } else { meant }
        };
        match link {
            Link::Function(to) => Link::Function(meant(to)),
            Link::Index(of) => Link::Index(meant(of)),
            link => link,
        }
    };
    a.iter().zip(b).all(|(one, other)| {
        one.at == other.at
            && link(one.link, in_a) == link(other.link, in_b)
            && one.instruction == other.instruction
    })
}
