//! The page for scrapers.

use crate::harness::{assemble, join, start};

#[test]
fn the_metrics_count_members_processes_and_traffic() {
    let labs = [start("a"), start("b")];
    join(&labs);
    let module = assemble("main: self $0\nsendi $0 $1 $1\ndiv $1 $2 $3\nhlt");
    labs[0].run(&module, "main", &[]);
    let page = labs[0].node.metrics();
    for line in [
        "iridium_members{state=\"self\"} 1",
        "iridium_members{state=\"alive\"} 1",
        "iridium_send_queue_bytes{peer=\"b\"} 0",
        "iridium_processes 0",
        "iridium_traps_total 1",
        "iridium_dead_letters_total 1",
        "# TYPE iridium_fuel_total counter",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in {page}");
    }
}
