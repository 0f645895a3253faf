//! Which instructions pay so that straight lines pay too.
//!
//! Most instructions are free: what makes a program run long is going back, and jumps and calls
//! pay. A straight line can be long, though, and a process must be stopped in time in it. So at most
//! [`FREE_RUN`] free instructions follow each other: in a longer run some, the *tolls*, pay 1. A toll
//! that is a branch pays 1 whether it is taken or not.
//!
//! Within the second half of what may be free the toll is the instruction in the fewest loops, of
//! those the last one, so that short loops in long functions stay free of it.

use crate::instruction::{Flow, Fuel, Instruction};

/// At most so many instructions run one after the other without paying.
pub const FREE_RUN: usize = 64;

/// Which instructions of a module's code are tolls. All engines charge the same ones.
pub fn tolls(code: &[Instruction]) -> Vec<bool> {
    let loops = loop_depths(code);
    let mut tolls = vec![false; code.len()];
    // Where the run of free instructions begins that ends here.
    let mut start = 0;
    for (at, instruction) in code.iter().enumerate() {
        let opcode = instruction.opcode();
        let pays = matches!(opcode.fuel(), Fuel::Fixed(_) | Fuel::Bulk);
        let goes_on = matches!(opcode.flow(), Flow::Next | Flow::Branch);
        if pays || !goes_on {
            start = at + 1;
        } else if at + 1 - start == FREE_RUN {
            let candidates = start + FREE_RUN / 2..=at;
            let toll = candidates.rev().min_by_key(|at| loops[*at]).unwrap_or(at);
            tolls[toll] = true;
            start = toll + 1;
        }
    }
    tolls
}

/// In how many loops each instruction is, as far as the labels of branches show.
fn loop_depths(code: &[Instruction]) -> Vec<i32> {
    let mut depths = vec![0; code.len() + 1];
    for (at, instruction) in code.iter().enumerate() {
        let opcode = instruction.opcode();
        if !matches!(opcode.flow(), Flow::Branch | Flow::Jump) || opcode.is_call() {
            continue;
        }
        let target = instruction.slots().target.map(|target| target as usize);
        if let Some(head) = target.filter(|head| *head <= at) {
            depths[head] += 1;
            depths[at + 1] -= 1;
        }
    }
    let mut depth = 0;
    for change in &mut depths {
        depth += *change;
        *change = depth;
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operand::{Int, IntOut, Lit32, Target};

    fn free() -> Instruction {
        Instruction::Mov { a: Int(0), d: IntOut(1) }
    }

    fn branch(to: u32) -> Instruction {
        Instruction::Breqi { a: Int(0), n: Lit32(1), l: Target(to) }
    }

    fn found(code: &[Instruction]) -> Vec<usize> {
        tolls(code).iter().enumerate().filter_map(|(at, toll)| toll.then_some(at)).collect()
    }

    #[test]
    fn a_long_straight_line_pays_now_and_then_and_a_short_one_does_not() {
        let mut code = vec![free(); 200];
        assert_eq!(found(&code[..FREE_RUN - 1]), []);
        assert_eq!(found(&code), [63, 127, 191]);
        // What pays anyway, or never goes on, ends a run.
        code[60] = Instruction::Call { l: Target(0) };
        code[120] = Instruction::Ret {};
        assert_eq!(found(&code), [184]);
    }

    #[test]
    fn branches_that_are_not_taken_are_part_of_the_line() {
        let code: Vec<_> = (1..=130).map(branch).collect();
        assert_eq!(found(&code), [63, 127]);
    }

    #[test]
    fn a_loop_is_spared_where_that_can_be() {
        let mut code = vec![free(); 100];
        code[70] = branch(50);
        assert_eq!(found(&code), [49]);
        // The inner of two loops.
        code[99] = branch(20);
        assert_eq!(found(&code), [49]);
        code[45] = branch(0);
        assert_eq!(found(&code), [49], "after one loop, in another one alone");
    }
}
