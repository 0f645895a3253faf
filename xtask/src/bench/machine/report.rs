//! What was measured of the machine.

use serde_json::Value;

use super::peer::Name;
use super::rates::Rates;
use crate::bench::times::Times;
use crate::bench::verdict::Verdict;

/// The kernels beside those of the peers, and the rates of the machine.
pub(super) struct Report {
    pub(super) times: Times<Name>,
    pub(super) rates: Rates,
}

impl Report {
    /// For programs: all samples, and the judgement.
    pub(super) fn json(&self, verdicts: &[Verdict]) -> Value {
        let rates = [
            ("assembled_lines_per_second", &self.rates.assembling),
            ("seconds_to_load_a_million_instructions", &self.rates.loading),
            ("seconds_to_start_and_run_hlt", &self.rates.starting),
        ];
        self.times.json(verdicts, &rates)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::target::judge;
    use super::*;

    fn report() -> Report {
        let samples = |ours: f64, wasmi: f64| {
            BTreeMap::from([
                (Name::Ours, vec![ours; 3]),
                (Name::OursNative, vec![ours / 2.0; 3]),
                (Name::Wasmtime, vec![ours / 4.0; 3]),
                (Name::WasmiFuel, vec![wasmi; 3]),
            ])
        };
        Report {
            times: Times {
                what: "kernel",
                programs: vec![("fib", 27, samples(0.5, 1.0)), ("sieve", 9, samples(2.0, 2.0))],
                missing: vec![(Name::Lua, "apt-get install lua5.4".to_owned())],
                quick: false,
            },
            rates: Rates { assembling: vec![2e6], loading: vec![0.1], starting: vec![0.002] },
        }
    }

    fn table_of(report: &Report) -> String {
        report.times.table(&judge(report))
    }

    fn json_of(report: &Report) -> Value {
        report.json(&judge(report))
    }

    #[test]
    fn a_table_says_what_is_met_and_what_is_missed() {
        let table = table_of(&report());
        assert!(table.contains("missed   1.000 (at most 0.9)"), "{table}");
        assert!(table.contains("worst (sieve)"), "{table}");
        assert!(table.contains("missed   0.707 (at most 0.65)"), "{table}");
        assert!(table.contains("met      0.500 (at most 1) seconds to assemble"), "{table}");
        assert!(table.contains("missed   2.000 (at most 1.5) native time / wasmtime"), "{table}");
        let native = "fib         27 iridium-jit    0.2500          2.00          0.25";
        assert!(table.contains(native), "{table}");
        assert!(table.contains("not measured: lua5.4; apt-get install lua5.4"), "{table}");
    }

    #[test]
    fn json_has_all_samples() {
        let json = json_of(&report());
        assert_eq!(json["kernels"][0]["seconds"]["wasmi+fuel"], json!([1.0, 1.0, 1.0]));
        assert_eq!(json["targets"][0]["met"], json!(false));
    }

    #[test]
    fn the_chart_has_a_bar_for_each_ratio() {
        let svg = report().times.chart();
        assert_eq!(svg.matches("fib, iridium-jit").count(), 1, "{svg}");
        // Of the interpreter at one kernel, and of native code at the other.
        assert_eq!(svg.matches("wasmi+fuel 0.50").count(), 2, "{svg}");
        assert_eq!(svg.matches("wasmi+fuel 1.00").count(), 1, "{svg}");
    }
}
