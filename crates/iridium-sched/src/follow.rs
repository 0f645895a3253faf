//! Waiting until a process and all that it was linked to have ended.
//!
//! A process that is followed carries a token. When it ends it context the token on to those it is
//! linked to, before they hear of its end, so that none of them can end unseen. Nothing is ever
//! sent: the channel closes when nobody carries a token any more.

use std::convert::Infallible;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Scheduler;
use super::exit::ExitInfo;
use super::letter::Letter;
use super::shared::{Context, Full};
use super::task::Task;
use iridium_vm::{Pid, Process, Program};

/// What a followed process carries.
pub(crate) type Token = Sender<Infallible>;

/// A process that somebody waits for, and those that it is linked to.
#[derive(Debug)]
pub struct Followed {
    /// Tells of the end of the process itself. Ends without a word when it has ended already.
    pub ending: Receiver<ExitInfo>,
    /// Ends, without a word, when the process has ended, those that it was linked to then, those
    /// that they were linked to, and so on.
    pub all: Receiver<Infallible>,
}

impl Scheduler {
    /// As [`spawn`](Self::spawn), and tells when the process and all that it is linked to have ended.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_followed(
        &self,
        process: Process,
        program: &Arc<Program>,
    ) -> Result<(Pid, Followed), Full> {
        let (witness, ending) = bounded(1);
        let (token, all) = bounded(0);
        let pid = self.spawn_with(process, program, |task| {
            task.witnesses.push(witness);
            task.follow(token);
        })?;
        Ok((pid, Followed { ending, all }))
    }
}

impl Task {
    /// Takes a token; a second one of the same channel would say nothing.
    pub(crate) fn follow(&mut self, token: Token) {
        if !self.tokens.iter().any(|known| known.same_channel(&token)) {
            self.tokens.push(token);
        }
    }

    /// Gives its tokens to those that it is linked to on this node too.
    pub(crate) fn hand_on(&self, context: Context<'_>) {
        for token in &self.tokens {
            let links = self.actor.has_ties().into_iter().flat_map(|ties| ties.links.iter());
            for pid in links.filter(|pid| pid.node() == context.shared.node()) {
                context.deliver(*pid, Letter::Follow(token.clone()));
            }
        }
    }
}
