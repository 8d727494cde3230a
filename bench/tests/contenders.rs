//! Every contender, in every mode, applies everything in order on all its nodes.

use bench::contenders::CONTENDERS;
use bench::measure::Plan;

#[test]
fn every_contender_commits_every_command() {
    for contender in CONTENDERS {
        for &mode in contender.modes {
            // Not a multiple of the batch, and enough for logs to be compacted.
            let plan = Plan { mode, warm_up: 1, entries: 5001 };
            // Panics if any node differs from what was proposed.
            let sample = (contender.run)(&plan);
            assert!(sample.messages > 0.0, "{}", contender.name);
        }
    }
}
