//! What was measured of Palladium.

use serde_json::Value;

use super::compiling::Compiling;
use super::contender::Name;
use crate::bench::times::Times;
use crate::bench::verdict::Verdict;

/// The programs beside those of the peers, and the times of the compiler.
pub(super) struct Report {
    pub(super) times: Times<Name>,
    pub(super) compiling: Compiling,
}

impl Report {
    /// For programs: all samples, and the judgement.
    pub(super) fn json(&self, verdicts: &[Verdict]) -> Value {
        let compiling = [
            ("seconds_to_check_100000_lines", &self.compiling.checking),
            ("seconds_from_10000_lines_to_a_module", &self.compiling.emitting),
            ("seconds_from_hello_world_to_its_output", &self.compiling.hello),
        ];
        self.times.json(verdicts, &compiling)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::target::judge;
    use super::*;

    fn report() -> Report {
        let samples = |name: Name, ours: f64, theirs: f64| {
            BTreeMap::from([(Name::Ours, vec![ours; 3]), (name, vec![theirs; 3])])
        };
        let programs = vec![
            ("fib", 27, samples(Name::Assembly, 1.5, 1.0)),
            ("queens", 9, samples(Name::Lua, 0.5, 1.0)),
            ("list", 9, samples(Name::Lua, 0.2, 2.0)),
            ("fannkuch", 9, samples(Name::Lua, 9.0, 1.0)),
        ];
        let missing = vec![(Name::Python, "apt-get install python3".to_owned())];
        Report {
            times: Times { what: "program", programs, missing, quick: false },
            compiling: Compiling { checking: vec![0.5], emitting: vec![0.4], hello: vec![0.012] },
        }
    }

    #[test]
    fn a_table_says_what_is_met_and_what_is_missed() {
        let report = report();
        let table = report.times.table(&judge(&report));
        assert!(table.contains("missed   1.500 (at most 1.25) time of kernels"), "{table}");
        assert!(table.contains("met      0.500 (at most 1) time of micro programs"), "{table}");
        assert!(table.contains("worst (queens)"), "{table}");
        assert!(table.contains("met      0.224 (at most 0.4) time of micro programs"), "{table}");
        assert!(table.contains("missed   0.400 (at most 0.3) seconds from 10,000"), "{table}");
        assert!(table.contains("met     12.000 (at most 15) milliseconds"), "{table}");
        assert!(table.contains("not measured: cpython; apt-get install python3"), "{table}");
    }

    #[test]
    fn json_has_all_samples() {
        let report = report();
        let json = report.json(&judge(&report));
        assert_eq!(json["programs"][1]["seconds"]["lua5.4"], json!([1.0, 1.0, 1.0]));
        assert_eq!(json["targets"][0]["met"], json!(false));
    }

    #[test]
    fn the_chart_has_a_bar_for_each_ratio() {
        let svg = report().times.chart();
        assert_eq!(svg.matches("lua5.4 0.50").count(), 1, "{svg}");
        assert_eq!(svg.matches("assembly 1.50").count(), 1, "{svg}");
    }
}
