//! The checkers, each on short stories: who did what, and what must be thought of it.
//!
//! A story has a word for each event: the worker, and a letter. L locked, B blocked, G gave up, W wrote,
//! R read (2: what worker 2 wrote, -: no file), U unlocked, X exited, C crashed, b began; behind an @
//! the time in microseconds.

use super::readback::first_wrong;
use super::*;
use crate::case::{Faults, Placement, Scope};
use crate::history::{Absence, Event, Missing, Seen, What};
use crate::lock::{Claim, Promise, Withstands};
use crate::schedule::{Command, Order, Time, original};

/// Workers one after the other: each writes in the tick before its left neighbour reads.
fn case(workers: u32, scope: Scope) -> Case {
    Case {
        lock: "any".to_owned(),
        placement: Placement::Threads,
        scope,
        order: Order::AsGenerated,
        workers,
        schedule: original(workers, Time::from_micros(1)),
        choices: None,
        faults: Faults::NONE,
    }
}

fn promise(claim: Claim) -> Promise {
    Promise { claim, patience: None, withstands: Withstands::ALL, fenced: false }
}

/// Each event stands under the command that its worker is at.
fn story(case: &Case, text: &str) -> History {
    let plan = case.plan();
    let mut at = vec![0; case.workers as usize + 1];
    let event = |word: &str| {
        let (word, micros) = word.split_once('@').unwrap_or((word, "0"));
        let worker: u32 = word[..1].parse().unwrap();
        let mine: Vec<_> = plan.steps.iter().filter(|step| step.worker == worker).collect();
        let next = &mut at[worker as usize];
        // Given back under the command that was the last with it, where that is not the exit.
        let gives_back = word.ends_with('U') && case.scope != Scope::Session;
        let step = mine[if gives_back { *next - 1 } else { *next }];
        let what = match &word[1..] {
            "L" => What::Locked,
            "B" => What::Blocked,
            "G" => What::GaveUp,
            "W" => What::Wrote,
            "R-" => What::Read(Seen::Missing),
            "U" => What::Unlocked,
            "X" => What::Exited,
            "C" => What::Crashed,
            "b" => What::Began,
            read => What::Read(Seen::Worker(read.strip_prefix('R').unwrap().parse().unwrap())),
        };
        *next += usize::from(matches!(what, What::Wrote | What::Read(_)));
        let at = Time::from_micros(micros.parse().unwrap());
        Event { tick: step.tick, at, worker, command: step.command, what }
    };
    History { events: text.split_whitespace().map(event).collect(), ..History::default() }
}

fn stuck(worker: u32) -> Vec<Missing> {
    vec![Missing { worker, command: Command::Write, why: Absence::Stuck }]
}

/// The law that broke, who found out, and at which event.
#[track_caller]
fn broken(verdict: Verdict) -> (Law, u32, usize) {
    match verdict {
        Verdict::Fail(Failure { law, worker, event, .. }) => (law, worker, event),
        other => panic!("{other:?}"),
    }
}

const IN_TURN: &str = "1L 1W 2B 1R1 1U 1X 2L 2W 2R2 2U 2X";
const PASS: Verdict = Verdict::Pass(Evidence { cases: 1, complete: 1, contended: 1 });

mod interleaved {
    use super::*;

    fn check(text: &str) -> Verdict {
        let case = case(2, Scope::Session);
        Interleaved(promise(Claim::Everyone)).check(&case, &story(&case, text))
    }

    #[test]
    fn one_after_the_other_is_fine() {
        assert_eq!(check(IN_TURN), PASS);
        let alone = check("1L 1W 1R1 1U 1X 2L 2W 2R2 2U 2X");
        assert!(matches!(alone, Verdict::Inconclusive { reason: Reason::Uncontended { .. } }), "{alone:?}");
    }

    #[test]
    fn two_that_hold_at_once() {
        assert_eq!(broken(check("1L 2L 1W 2W")), (Law::ExcludesLess { holder: 1 }, 2, 1));
        assert_eq!(broken(check("2L 2W 1L")), (Law::ExcludesLess { holder: 2 }, 1, 2));
        let case = case(2, Scope::Session);
        let both = story(&case, "1L 2L 1W 1R1 2W 2R2 1U 1X 2U 2X");
        let fenced = Promise { fenced: true, ..promise(Claim::Everyone) };
        assert_eq!(Interleaved(fenced).check(&case, &both), PASS);
        assert_eq!(Interleaved(promise(Claim::Nobody)).check(&case, &both), PASS);
    }

    #[test]
    fn who_gave_it_back_holds_it_no_more() {
        // Two processes of two workers each; who lives together is not excluded.
        let case = Case { placement: Placement::Mixed, ..case(3, Scope::Session) };
        let check = |text| Interleaved(promise(Claim::OtherProcesses)).check(&case, &story(&case, text));
        let both = "1L 2L 1W 1R1 1U 1X 3L";
        assert_eq!(broken(check(both)), (Law::ExcludesLess { holder: 2 }, 3, 6));
    }

    #[test]
    fn who_was_killed_holds_it_no_more() {
        assert_eq!(check("1L 1W 1C 2L 2W 2R2 2U 2X"), PASS);
    }

    #[test]
    fn a_wrong_read_back() {
        let case = case(2, Scope::Session);
        let check = |text| Interleaved(promise(Claim::Nobody)).check(&case, &story(&case, text));
        let (law, worker, event) = broken(check("1L 2L 1W 2W 1R2"));
        assert_eq!((law, worker, event), (Law::ReadBack { saw: Seen::Worker(2), wrote: 0 }, 1, 4));
        let (law, ..) = broken(check("1L 2L 2W 1W 2R1"));
        assert_eq!(law, Law::ReadBack { saw: Seen::Worker(1), wrote: 1 }, "the tick of its own write");
        assert!(matches!(broken(check("1L 1W 1R-")).0, Law::ReadBack { saw: Seen::Missing, .. }));
    }

    #[test]
    fn who_waits_for_ever() {
        let case = case(3, Scope::Session);
        let history = History { missing: stuck(2), ..story(&case, "1L 2B 1W 3B 1R1 1U 1X") };
        let verdict = Interleaved(promise(Claim::Everyone)).check(&case, &history);
        assert_eq!(broken(verdict), (Law::Stuck, 2, 1));
        let silent = vec![Missing { why: Absence::Silent, ..stuck(2)[0] }];
        let history = History { missing: silent.clone(), ..history };
        let verdict = Interleaved(promise(Claim::Everyone)).check(&case, &history);
        assert_eq!(verdict, Verdict::unclear(Reason::Missing(silent[0])));
    }

    #[test]
    fn what_does_not_add_up_says_nothing() {
        let verdict = check("1L 1W 1R1 1X 2L 2W 2R2 2U 2X");
        let Verdict::Inconclusive { reason } = verdict else { panic!("{verdict:?}") };
        assert_eq!(reason, Reason::IllFormed { worker: 1, event: 3, wrong: Wrong::Keeps });
    }
}

mod stepped {
    use super::*;

    fn check(workers: u32, claim: Claim, text: &str) -> Verdict {
        let case = case(workers, Scope::Session);
        Stepped(promise(claim)).check(&case, &story(&case, text))
    }

    #[test]
    fn as_predicted() {
        assert_eq!(check(2, Claim::Everyone, IN_TURN), PASS);
    }

    #[test]
    fn a_lock_that_excludes_less() {
        let two = check(2, Claim::Everyone, "1L 1W 2L 2W 1R2 2R2");
        assert_eq!(broken(two), (Law::ExcludesLess { holder: 1 }, 2, 3));
        // Worker 1 has given it back, worker 3 has it, and 2 comes.
        let case = case(3, Scope::Transaction);
        let three = story(&case, "1L 1W 2B 1R1 1U 3L 3W 2L 2W");
        let three = Stepped(promise(Claim::Everyone)).check(&case, &three);
        assert_eq!(broken(three), (Law::ExcludesLess { holder: 3 }, 2, 8));
    }

    /// The intruder has a lower number than the holder.
    #[test]
    fn a_lower_number_that_comes_later() {
        let schedule = "0 [(2,'write')]\n1 [(1,'write')]\n2 [(2,'read')]\n3 [(1,'read')]".parse().unwrap();
        let case = Case { schedule, ..case(2, Scope::Session) };
        let history = story(&case, "2L 2W 1L 1W");
        let verdict = Stepped(promise(Claim::Everyone)).check(&case, &history);
        assert_eq!(broken(verdict), (Law::ExcludesLess { holder: 2 }, 1, 3));
    }

    #[test]
    fn only_whom_it_excludes_is_to_blame() {
        // 1 and 2 live together and may both be in; 3 is kept out by both. 1 has left before it comes.
        let case = Case { placement: Placement::Mixed, ..case(3, Scope::Session) };
        let history = story(&case, "1L 1W 2L 2W 1R2 3L 3W");
        let verdict = Stepped(promise(Claim::OtherProcesses)).check(&case, &history);
        assert_eq!(broken(verdict).0, Law::ExcludesLess { holder: 1 });
        let same = Claim::SameProcess;
        let schedule = "0 [(1,'write'),(3,'write')]\n1 [(4,'write')]\n2 [(1,'read'),(3,'read')]\n\
                        3 [(4,'read'),(2,'write')]\n4 [(2,'read')]";
        let case = Case { schedule: schedule.parse().unwrap(), workers: 4, ..case };
        let verdict = Stepped(promise(same)).check(&case, &story(&case, "1L 1W 3L 3W 4L 4W"));
        assert_eq!(broken(verdict).0, Law::ExcludesLess { holder: 3 }, "and not 1, who lives elsewhere");
    }

    #[test]
    fn a_lock_that_excludes_more() {
        assert_eq!(broken(check(2, Claim::Nobody, "1L 1W 2B 1R1")), (Law::ExcludesMore, 2, 2));
        let case = case(2, Scope::Session);
        let kept = History { missing: stuck(2), ..story(&case, "1L 1W 2B 1R1 1U 1X 2B") };
        let verdict = Stepped(promise(Claim::Everyone)).check(&case, &kept);
        assert_eq!(broken(verdict), (Law::ExcludesMore, 2, 6));
    }

    #[test]
    fn a_write_that_is_lost() {
        let (law, worker, event) = broken(check(2, Claim::Nobody, "1L 1W 2L 2W 1R1"));
        let due = Seen::Worker(2);
        assert_eq!((law, worker, event), (Law::LostWrite { saw: Seen::Worker(1), due }, 1, 4));
    }

    #[test]
    fn a_wrong_read_back_that_was_due() {
        let (law, worker, event) = broken(check(2, Claim::Nobody, "1L 1W 2L 2W 1R2 2R2 1U 1X 2U 2X"));
        assert_eq!((law, worker, event), (Law::ReadBack { saw: Seen::Worker(2), wrote: 0 }, 1, 4));
    }

    #[test]
    fn a_command_that_is_not_obeyed() {
        let disobeyed = |text, worker, event| {
            let verdict = check(2, Claim::Everyone, text);
            assert_eq!(broken(verdict), (Law::Disobeyed, worker, event), "{text}");
        };
        disobeyed("1L 1W 2B 1R1 1U 1X", 2, 5); // Nobody goes on: the last event.
        disobeyed("1L 1W 2B 2B", 1, 3); // Worker 2 tries again, where 1 should read.
        disobeyed("1L 1W 2B 1R1 2L 2W", 1, 5); // Worker 2 moves, where 1 should leave.
        disobeyed("1L 1W 2B 1R1 1U 1X 2L 2W 2R2", 2, 8); // The exit is missing.
    }

    #[test]
    fn nobody_writes() {
        assert_eq!(broken(check(2, Claim::Everyone, "1L 1R- 1U")), (Law::NobodyWrote, 1, 0));
        let case = case(2, Scope::Session);
        let nothing = Stepped(promise(Claim::Everyone)).check(&case, &History::default());
        assert_eq!(nothing, Verdict::unclear(Reason::Idle { cases: 1 }));
    }

    #[test]
    fn who_fell_silent_is_said_before_all_else() {
        let case = case(2, Scope::Session);
        let missing = vec![Missing { why: Absence::Died, ..stuck(2)[0] }];
        let history = History { missing: missing.clone(), ..story(&case, "1L 1W 2L 2W") };
        let verdict = Stepped(promise(Claim::Everyone)).check(&case, &history);
        assert_eq!(verdict, Verdict::unclear(Reason::Missing(missing[0])));
        // Who is stuck though all went as it should: that cannot be, so nothing is said.
        let history = History { missing: stuck(2), ..story(&case, IN_TURN) };
        let verdict = Stepped(promise(Claim::Everyone)).check(&case, &history);
        assert_eq!(verdict, Verdict::unclear(Reason::Missing(stuck(2)[0])));
    }
}

mod realtime {
    use super::*;

    fn check(claim: Claim, text: &str) -> Verdict {
        let case = case(2, Scope::Session);
        Realtime(promise(claim)).check(&case, &story(&case, text))
    }

    #[test]
    fn waiting_is_wrong_only_where_nobody_is_excluded() {
        assert_eq!(check(Claim::Everyone, IN_TURN), PASS);
        assert_eq!(broken(check(Claim::Nobody, IN_TURN)), (Law::ExcludesMore, 2, 2));
        assert_eq!(check(Claim::Nobody, "1L 1W 1R1 2L 2W 2R2 1U 1X 2U 2X"), PASS);
    }

    #[test]
    fn nobody_writes() {
        assert_eq!(broken(check(Claim::Everyone, "1L 1R- 1U")), (Law::NobodyWrote, 1, 0));
    }

    #[test]
    fn a_wrong_read_back() {
        assert!(matches!(broken(check(Claim::Everyone, "1L 1W 2L 2W 1R2")).0, Law::ReadBack { .. }));
    }
}

/// Scope `operation`, with times.
mod last_whole_write {
    use super::*;

    fn is_right(text: &str) -> bool {
        let case = case(3, Scope::Operation);
        match first_wrong(&case, &story(&case, text)).map(|failure| failure.law) {
            None => true,
            Some(Law::LastWrite { .. }) => false,
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_after_the_other_the_last_one_is_seen() {
        let writes = "1b@0 1W@10 2b@20 2W@30 1b@40";
        assert!(is_right(&format!("{writes} 1R2@50")));
        assert!(!is_right(&format!("{writes} 1R1@50")));
        assert!(!is_right(&format!("{writes} 1R3@50")), "who never wrote");
        assert!(!is_right(&format!("{writes} 1R-@50")));
    }

    #[test]
    fn of_two_at_once_either_is_seen() {
        for seen in [1, 2] {
            assert!(is_right(&format!("1b@0 2b@10 2W@20 1W@30 2b@40 2R{seen}@50")), "{seen}");
            assert!(is_right(&format!("1b@0 2b@10 1W@20 2W@30 2b@40 2R{seen}@50")), "{seen}");
        }
    }

    /// It began when its own worker began, whoever began since.
    #[test]
    fn a_write_that_takes_long() {
        assert!(is_right("1b@0 2b@10 2W@20 3b@25 1W@30 2b@40 2R2@50"));
        assert!(is_right("1L@0 2b@10 2W@20 3L@25 1W@30 2b@40 2R2@50"), "or got its lock");
    }

    #[test]
    fn a_write_that_is_not_over_may_be_seen_or_not() {
        for seen in [1, 2] {
            assert!(is_right(&format!("1b@0 1W@10 2b@20 1b@30 2W@40 1R{seen}@50")), "{seen}");
        }
    }

    #[test]
    fn a_write_that_comes_later_is_not_seen() {
        assert!(!is_right("3b@0 3W@5 1b@10 1W@15 1b@20 1R2@30 2b@40 2W@50"));
    }

    /// Where nothing says when it began, it took no time; it does not hide itself.
    #[test]
    fn a_write_of_one_moment() {
        assert!(is_right("1W@1 1R1@5"));
    }
}

mod evidence {
    use super::*;

    fn is_complete(text: &str, missing: Vec<Missing>) -> bool {
        let case = case(2, Scope::Session);
        let history = History { missing, ..story(&case, text) };
        let Evidence { cases, complete, .. } = Evidence::of(&case, &history);
        assert_eq!(cases, 1);
        complete == 1
    }

    #[test]
    fn everybody_writes_and_reads() {
        assert!(is_complete("1L 1W 2W 1R1 2R2", Vec::new()));
        assert!(!is_complete("1L 1W 1R1", Vec::new()), "worker 2 did nothing");
        assert!(!is_complete("1W 2W 1R1", Vec::new()), "worker 2 did not read");
        assert!(!is_complete("1W 1R1 2R2", Vec::new()), "worker 2 did not write");
    }

    #[test]
    fn but_for_who_was_killed_or_is_stuck() {
        assert!(is_complete("1W 1R1 2C", Vec::new()));
        assert!(is_complete("1W 1R1 2B", stuck(2)));
        assert!(!is_complete("1W 1R1 2B", stuck(1)));
        assert!(!is_complete("1W 1R1 2B", vec![Missing { why: Absence::Silent, ..stuck(2)[0] }]));
    }
}

mod in_words {
    use super::*;

    #[test]
    fn a_failure_says_who_and_when() {
        let laws = [
            Law::ReadBack { saw: Seen::Worker(7), wrote: 1 },
            Law::ReadBack { saw: Seen::Missing, wrote: 1 },
            Law::LastWrite { saw: Seen::Missing },
            Law::ExcludesLess { holder: 7 },
            Law::ExcludesMore,
            Law::LostWrite { saw: Seen::Missing, due: Seen::Worker(7) },
            Law::Disobeyed,
            Law::Stuck,
            Law::NobodyWrote,
        ];
        let said = laws.map(|law| {
            let failure = Failure { law, worker: 5, tick: 3, command: Command::Write, event: 0 };
            assert!(law == Law::NobodyWrote || failure.to_string().contains("worker 5"), "{failure}");
            let other = matches!(law, Law::ReadBack { saw: Seen::Worker(_), .. } | Law::ExcludesLess { .. });
            assert!(!other || failure.to_string().contains("worker 7"), "{failure}");
            failure.to_string()
        });
        assert!((1..said.len()).all(|nth| !said[..nth].contains(&said[nth])), "{said:?}");
    }

    #[test]
    fn a_reason_says_how_many_and_why() {
        let one = Evidence { cases: 4, complete: 4, contended: 0 };
        assert_eq!(
            Reason::Uncontended { evidence: one }.to_string(),
            "no two workers wanted the lock at once in 4 cases"
        );
        assert_eq!(Reason::NotBegun { rows: 1 }.to_string(), "one row was never begun");
        assert_eq!(Reason::NotBegun { rows: 2 }.to_string(), "2 rows were never begun");
        let reason = Reason::IllFormed { worker: 2, event: 4, wrong: Wrong::Keeps }.to_string();
        assert!(reason.contains("at event 5 worker 2 leaves and never gave the lock back"), "{reason}");
        let divergence = Some(Divergence { event: 4, worker: 2, cause: Cause::Mover });
        let reason = Reason::Unrepeatable { divergence }.to_string();
        assert!(reason.contains("event 5 was worker 2's"), "{reason}");
    }

    #[test]
    fn what_cannot_be_is_told_apart() {
        use Wrong::{AfterItsEnd, GetsTwice, GivesNothing, Keeps, Outside, Stranger};
        let said = [AfterItsEnd, GetsTwice, GivesNothing, Keeps, Outside, Stranger].map(|w| w.to_string());
        assert!((0..said.len()).all(|nth| !said[nth].is_empty() && !said[..nth].contains(&said[nth])));
    }

    #[test]
    fn a_verdict_has_one_word() {
        let failure = Failure { law: Law::Stuck, worker: 1, tick: 0, command: Command::Write, event: 0 };
        let verdicts = [PASS, Verdict::Fail(failure), Verdict::unclear(Reason::NothingRan)];
        assert_eq!(verdicts.map(|verdict| verdict.name()), ["pass", "fail", "inconclusive"]);
    }

    #[test]
    fn each_law_has_a_name_of_its_own() {
        let saw = Seen::Missing;
        let laws = [
            Law::ReadBack { saw, wrote: 0 },
            Law::LastWrite { saw },
            Law::ExcludesLess { holder: 1 },
            Law::ExcludesMore,
            Law::LostWrite { saw, due: saw },
            Law::Stuck,
            Law::NobodyWrote,
            Law::Disobeyed,
        ];
        let names = laws.map(Law::name);
        assert!((1..names.len()).all(|nth| !names[..nth].contains(&names[nth])), "{names:?}");
        assert_eq!(laws.map(Law::is_race), [true, true, false, false, false, false, false, false]);
    }
}
