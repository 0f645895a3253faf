//! Fuzz targets of what nodes hear from each other, from operators and from disk. The corpus is the
//! golden fixtures of the crates, and `seeds`.

mod corpus;
pub mod targets;

use iridium_vm_fuzz::{Target, mutated};

/// All targets.
pub const TARGETS: [Target; 8] = [
    Target { name: "frames", run: targets::frames, inputs: || mutated(corpus::frames()) },
    Target { name: "greeting", run: targets::greeting, inputs: || mutated(corpus::greetings()) },
    Target {
        name: "node-messages",
        run: targets::node_messages,
        inputs: || mutated(corpus::node_messages()),
    },
    Target { name: "control", run: targets::control, inputs: || mutated(corpus::calls()) },
    Target { name: "peers", run: targets::peers, inputs: || mutated(corpus::peers()) },
    Target { name: "membership", run: targets::membership, inputs: || mutated(corpus::scripts()) },
    Target { name: "flow", run: targets::flow, inputs: || mutated(corpus::flows()) },
    Target { name: "app", run: targets::app, inputs: || mutated(corpus::apps()) },
];

#[cfg(test)]
mod tests {
    use iridium_vm_fuzz::mutate::Random;

    use super::*;

    #[test]
    fn each_target_does_what_its_corpus_has() {
        for target in TARGETS {
            let inputs = (target.inputs)();
            for number in 0..300 {
                (target.run)(&inputs(&mut Random::new(1, number)));
            }
        }
    }

    #[test]
    fn some_seeds_are_what_they_are_meant_to_be() {
        let through: usize =
            corpus::greetings().iter().map(|bytes| iridium_net::fuzz::greeting(bytes)).sum();
        // In clear where there is no secret, and with the secret where there is one.
        assert_eq!(through, 2);
        // One is sent to a node, and one by it.
        let long: usize = corpus::flows().iter().map(|bytes| iridium_net::fuzz::flow(bytes)).sum();
        assert!(long > 10, "{long} long messages");
        for seed in corpus::frames() {
            let (messages, error) = targets::decode(&seed, seed.len());
            assert!(!messages.is_empty() && error.is_none(), "{error:?}");
        }
    }
}
