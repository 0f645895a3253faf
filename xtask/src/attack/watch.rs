//! Watches the nodes while they are attacked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::figures::Figures;
use super::nodes::{Client, Nodes};
use super::step::Asked;
use super::usage::Usage;

/// How often what the nodes use is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How often an operator asks.
const ASK: Duration = Duration::from_millis(100);
/// How long one that asks for metrics waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two threads: one looks, the other asks.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    looks: JoinHandle<Usage>,
    asks: JoinHandle<Figures>,
}

impl Watch {
    pub(super) fn start(nodes: &Nodes, asked: Asked) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (looking, asking) = (Arc::clone(&over), Arc::clone(&over));
        let (processes, client) = (nodes.processes(), nodes.client());
        let looks = thread::spawn(move || look(&processes, &looking));
        let asks = thread::spawn(move || ask(&client, asked, &asking));
        Self { over, looks, asks }
    }

    /// Ends it, and gives what was seen.
    pub(super) fn end(self) -> Result<Figures> {
        self.over.store(true, Ordering::SeqCst);
        let peak = self.looks.join().map_err(|_| anyhow!("the nodes were not watched"))?;
        let asked = self.asks.join().map_err(|_| anyhow!("the nodes were not asked"))?;
        Ok(Figures { peak, ..asked })
    }
}

fn look(processes: &[u32], over: &AtomicBool) -> Usage {
    let mut peak = Usage::default();
    while !over.load(Ordering::SeqCst) {
        peak = processes.iter().filter_map(|pid| Usage::of(*pid)).fold(peak, Usage::max);
        thread::sleep(LOOK);
    }
    peak
}

fn ask(client: &Client, asked: Asked, over: &AtomicBool) -> Figures {
    let mut figures = Figures::default();
    while !over.load(Ordering::SeqCst) {
        let began = Instant::now();
        let missing = match asked {
            Asked::Members => client.members(),
            Asked::Metrics => client.metrics(PATIENCE).map(|()| 0),
        };
        figures.answer = figures.answer.max(began.elapsed());
        match missing {
            Ok(missing) => figures.alarms += missing,
            Err(_) => figures.unanswered += 1,
        }
        thread::sleep(ASK);
    }
    figures
}
