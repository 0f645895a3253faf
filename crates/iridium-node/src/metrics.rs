//! What a node counts, for a scraper: one page of text in the Prometheus exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;

use iridium_proto::{MemberView, ViewState};

use crate::report::NodeReport;

/// What is on the page.
pub(crate) struct Page {
    pub(crate) members: Vec<MemberView>,
    pub(crate) report: NodeReport,
    /// Bytes that wait to be sent, by alias.
    pub(crate) queues: Vec<(String, usize)>,
}

impl Page {
    pub(crate) fn text(&self) -> String {
        let mut text = Text::default();
        let report = &self.report;
        text.family("iridium_members", "gauge", "Members by state, this node included.");
        for state in [
            ViewState::Myself,
            ViewState::Alive,
            ViewState::Suspect,
            ViewState::Down,
            ViewState::Left,
        ] {
            let count = self.members.iter().filter(|member| member.state == state).count();
            text.sample("iridium_members", Some(("state", state.as_str())), count as f64);
        }
        text.family("iridium_round_trip_seconds", "gauge", "The last heartbeat's round trip.");
        for member in &self.members {
            if let Some(rtt) = member.rtt_us {
                let peer = Some(("peer", member.info.alias.as_str()));
                text.sample("iridium_round_trip_seconds", peer, rtt as f64 / 1e6);
            }
        }
        text.family("iridium_send_queue_bytes", "gauge", "Bytes that wait to be sent to a node.");
        for (alias, bytes) in &self.queues {
            text.sample("iridium_send_queue_bytes", Some(("peer", alias)), *bytes as f64);
        }
        for (name, kind, help, value) in [
            ("uptime_seconds", "gauge", "Time since the start of the node.", report.uptime),
            ("processes", "gauge", "Processes that live.", report.processes),
            ("memory_bytes", "gauge", "Memory of processes.", report.memory),
            ("mailbox_messages", "gauge", "Messages that wait in mailboxes.", report.messages),
            ("dead_letters_total", "counter", "Messages nobody received.", report.dead_letters),
            ("fuel_total", "counter", "Fuel that processes have spent.", report.fuel),
            ("failures_total", "counter", "Processes that ended abnormally.", report.failures),
            ("traps_total", "counter", "Processes that a trap has ended.", report.traps),
            ("restarts_total", "counter", "Children started again.", report.restarts),
            ("messages_sent_total", "counter", "Messages to other nodes.", report.sent),
            ("messages_received_total", "counter", "Messages from other nodes.", report.received),
            ("sent_bytes_total", "counter", "Bytes of messages to others.", report.sent_bytes),
            (
                "received_bytes_total",
                "counter",
                "Bytes of messages from others.",
                report.received_bytes,
            ),
            ("modules_sent_total", "counter", "Modules sent to others.", report.modules_sent),
        ] {
            let name = format!("iridium_{name}");
            text.family(&name, kind, help);
            text.sample(&name, None, value as f64);
        }
        if report.native_memory_limit > 0 {
            add_native_code(&mut text, report);
        }
        text.0
    }
}

/// What there is of native code, on a node that has it.
fn add_native_code(text: &mut Text, report: &NodeReport) {
    for (name, kind, help, value) in [
        ("functions_total", "counter", "Functions compiled.", report.native_functions as f64),
        (
            "instructions_total",
            "counter",
            "Instructions in them.",
            report.native_instructions as f64,
        ),
        (
            "compile_seconds_total",
            "counter",
            "Time that compiling took.",
            report.compile_us as f64 / 1e6,
        ),
        (
            "not_compiled_total",
            "counter",
            "Functions that stay with the interpreter.",
            report.not_compiled as f64,
        ),
        ("queue", "gauge", "Functions to be compiled.", report.compile_queue as f64),
        ("queue_limit", "gauge", "How many may wait.", report.compile_queue_limit as f64),
        ("code_bytes", "gauge", "Memory of native code.", report.native_memory as f64),
        ("code_limit_bytes", "gauge", "How much that may be.", report.native_memory_limit as f64),
    ] {
        let name = format!("iridium_jit_{name}");
        text.family(&name, kind, help);
        text.sample(&name, None, value);
    }
}

/// Lines of the format. Label values here are aliases and words, which need no escapes.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: f64) {
        let _ = match label {
            Some((label, of)) => writeln!(self.0, "{name}{{{label}=\"{of}\"}} {value}"),
            None => writeln!(self.0, "{name} {value}"),
        };
    }
}
