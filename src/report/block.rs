//! The one block that every failure is told in, whatever found it.

use std::fmt::{self, Write};
use std::path::Path;

use super::cause::cause;
use super::law::{broken, sentence};
use super::timeline::timeline;
use super::{count, wrapped};
use crate::campaign::Cause;
use crate::case::Case;
use crate::check::Failure;
use crate::history::History;

/// What broke · how it was found, shrunk and replayed · timeline · law and cause · saved · replay.
///
/// [`Block::of`] fills in what follows from the failure itself; the rest is for whoever found it.
/// At most 80 columns wide, but for what is there to be copied.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// What broke: `flock, threads: two inside at once`.
    pub what: String,
    /// Was that to be expected? Then the first line does not cry FAIL.
    pub expected: bool,
    /// How it was found, shrunk and replayed; what the lock promises. One paragraph each.
    pub story: Vec<String>,
    /// The timeline.
    pub picture: String,
    /// Which law broke, in a sentence.
    pub law: Option<String>,
    /// What decides whether it breaks, in a sentence.
    pub cause: Option<String>,
    /// What those do who get it right.
    pub remedy: Option<String>,
    /// The file that it was saved in, and what else is to be said of it.
    pub saved: Option<String>,
    /// How to see it again.
    pub replay: Option<String>,
}

impl Block {
    /// The failure of this run; `name` says of what: `flock, threads`.
    pub fn of(name: &str, case: &Case, history: &History, failure: &Failure, why: Option<Cause>) -> Block {
        Block {
            what: format!("{name}: {}", broken(case, history, failure)),
            picture: timeline(case, history, Some(failure)),
            law: Some(sentence(case, history, failure)),
            cause: why.and_then(|why| cause(case, history, failure, why)),
            ..Block::default()
        }
    }

    /// With what stands out in another colour, as `red` paints it.
    pub fn painted(&self, red: impl Fn(&str) -> String) -> String {
        let first = if self.expected { self.what.clone() } else { format!("{}  {}", red("FAIL"), self.what) };
        let mut text = format!("{first}\n");
        for paragraph in &self.story {
            text += &wrapped("", 6, paragraph);
        }
        let _ = write!(text, "\n{}", self.picture.replace("WRONG", &red("WRONG")));
        text.push('\n');
        // Whatever broke against what was promised has a cause, and be it that the law is broken.
        let (law, cause) = match &self.cause {
            None if !self.expected => (&None, &self.law),
            cause => (&self.law, cause),
        };
        for (label, sentence) in [("law", law), ("cause", cause), ("remedy", &self.remedy)] {
            if let Some(sentence) = sentence {
                text += &wrapped(label, 8, sentence);
            }
        }
        // These are there to be copied, so they are not broken, however long.
        for (label, line) in [("saved", &self.saved), ("replay", &self.replay)] {
            if let Some(line) = line {
                let _ = writeln!(text, "{label:<8}{line}");
            }
        }
        text
    }
}

/// Without colour.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.painted(str::to_owned))
    }
}

/// The first line where a `race` was to be expected; in an interleaved run also what that looks like.
pub fn as_expected(name: &str, race: &str, case: &Case, history: &History, failure: &Failure) -> String {
    let broken = broken(case, history, failure);
    let detail = if broken == failure.law.name() { String::new() } else { format!(" ({broken})") };
    format!("{name}: {race}, as expected{detail}")
}

/// How a failure came to be known.
#[derive(Clone, Debug)]
pub struct Story {
    /// How it was found: `found in case 4 of 256 (seed 9057)`.
    pub how: String,
    /// How small it was made: see [`size`].
    pub size: String,
    /// How often it was run again, and how many of these runs failed in the same way.
    pub replays: (u32, u32),
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Story { how, size, replays: (runs, again) } = self;
        write!(f, "{how}, shrunk to {size}, replayed {runs} times: {again} fail")
    }
}

/// Which case of a campaign it was, counted from 1, of how many, and where all chance came from.
pub fn found_in(case: u64, of: Option<u64>, seed: u64) -> String {
    let of = of.map_or(String::new(), |of| format!(" of {}", count(of)));
    format!("found in case {}{of} (seed {seed})", count(case))
}

/// How small a case is: its workers, and its preemptions, or its commands where there can be none.
pub fn size(case: &Case, history: &History) -> String {
    let rest = match &case.choices {
        None => format!("{} commands", case.schedule.commands().count()),
        Some(_) => match history.preemptions() {
            1 => "1 preemption".to_owned(),
            preemptions => format!("{preemptions} preemptions"),
        },
    };
    format!("{} workers, {rest}", case.workers)
}

/// A path as a shell takes it.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::moves::short;
    use super::*;
    use crate::case::Faults;
    use crate::check::Law;
    use crate::history::{Absence, Missing, Seen};
    use crate::schedule::Command;

    #[test]
    fn a_failure_in_order_is_one_block() {
        let (case, history, failure) = short::crossed();
        let mut block = Block::of("flag, threads", &case, &history, &failure, None);
        let (how, size) = (found_in(4, Some(256), 9057), size(&case, &history));
        block.story = vec![Story { how, size, replays: (10, 10) }.to_string()];
        block.saved = Some("found/flag-threads.json".to_owned());
        block.replay = Some("lockfuzz replay found/flag-threads.json".to_owned());
        let expected = "\
FAIL  flag, threads: wrong read-back
      found in case 4 of 256 (seed 9057), shrunk to 2 workers, 4 commands,
      replayed 10 times: 10 fail

tick  worker 1                worker 2                the file then holds
   0  lock: got it; write                             worker 1
   1                          lock: got it; write     worker 2
   2  read: worker 2  WRONG                           worker 2
   3                          read: worker 2  ok      worker 2

cause   worker 1 wrote at tick 0 and must read that back at tick 2; worker 2
        wrote since
saved   found/flag-threads.json
replay  lockfuzz replay found/flag-threads.json
";
        assert_eq!(block.to_string(), expected);
        let painted = block.painted(|text| format!("[{text}]"));
        assert!(painted.starts_with("[FAIL]  flag") && painted.contains("  [WRONG]  "), "{painted}");
        block.expected = true;
        assert!(block.to_string().starts_with("flag, threads: wrong read-back\n"));
    }

    #[test]
    fn an_interleaving_is_told_by_its_steps() {
        let (case, history, failure) = short::interleaved();
        let name = "exists-create, threads";
        let mut block =
            Block::of(name, &case, &history, &failure, Some(Cause::Order { first: 1, second: 5 }));
        block.remedy = Some("create it with O_EXCL".to_owned());
        let expected = "\
FAIL  exists-create, threads: two inside at once

step  worker 1                            worker 2
   1  exists \"lock\": no
      ---------- preempted ---------->
   2                                      exists \"lock\": no
   3                                      write \"lock\" \"2\": ok
   4                                      HOLDS
   5                                      write
      <---------- preempted ----------
   6  write \"lock\" \"1\": ok
   7  HOLDS                               HOLDS since step 4
   8  write
      ---------- preempted ---------->
   9                                      read: worker 1  WRONG

law     worker 2 wrote in step 5 and must read that back in step 9; worker 1
        wrote in step 8
cause   step 6 (worker 1: write \"lock\" \"1\": ok) comes after step 2 (worker 2:
        exists \"lock\": no); the other way round the run passes (tried)
remedy  create it with O_EXCL
";
        assert_eq!(block.to_string(), expected);
        for line in expected.lines() {
            assert!(line.len() <= 80, "{line}");
        }
    }

    #[test]
    fn a_holder_is_killed_and_the_others_wait() {
        let mut history = short::steps(
            r#"1 create_new "lock": ok
            1 K
            2 create_new "lock": exists
            2 B"#,
        );
        history.missing.push(Missing { worker: 2, command: Command::Write, why: Absence::Stuck });
        let case = Case { faults: Faults::CRASH, ..short::choosing("excl", 2) };
        let failure = short::failure(Law::Stuck, &history, 3);
        let mut block = Block::of(
            "excl, processes",
            &case,
            &history,
            &failure,
            Some(Cause::Order { first: 0, second: 2 }),
        );
        let how = "found in execution 8 of all interleavings".to_owned();
        block.story = vec![Story { how, size: size(&case, &history), replays: (10, 10) }.to_string()];
        block.saved = Some("lockfuzz-found/excl-processes-crash.json".to_owned());
        block.replay = Some("lockfuzz replay lockfuzz-found/excl-processes-crash.json".to_owned());
        let expected = "\
FAIL  excl, processes: nobody gets the lock again
      found in execution 8 of all interleavings, shrunk to 2 workers, 0
      preemptions, replayed 10 times: 10 fail

step  worker 1                            worker 2
   1  create_new \"lock\": ok
   2  KILLED
   3                                      create_new \"lock\": exists
   4                                      waits  WRONG
worker 2 still waits for the lock; it was told: write

law     worker 2 waits for the lock, and nobody is left who could give it back
cause   step 3 (worker 2: create_new \"lock\": exists) comes after step 1 (worker
        1: create_new \"lock\": ok); the other way round the run passes (tried)
saved   lockfuzz-found/excl-processes-crash.json
replay  lockfuzz replay lockfuzz-found/excl-processes-crash.json
";
        assert_eq!(block.to_string(), expected);
    }

    #[test]
    fn a_holder_stalls_until_its_lease_is_over() {
        let history = short::steps(
            r#"1 hard_link "draft" to "lock": ok
            1 L
            1 W
            2 read "lock": "1000000010"
            2 clock: 0 s
            2 Z
            1 S
            2 read "lock": "1000000010"
            2 clock: 10 s
            2 L
            2 W
            2 2
            2 U
            2 X
            1 2"#,
        );
        let case = Case { faults: Faults::STALL, ..short::choosing("lease", 2) };
        let law = Law::ReadBack { saw: Seen::Worker(2), wrote: 0 };
        let failure = short::failure(law, &history, 14);
        let why = Some(Cause::Order { first: 0, second: 3 });
        let mut block = Block::of("lease, threads", &case, &history, &failure, why);
        let how = found_in(58, Some(8192), 9057);
        block.story = vec![Story { how, size: size(&case, &history), replays: (10, 10) }.to_string()];
        block.saved = Some("lockfuzz-found/lease-threads-stall.json".to_owned());
        block.replay = Some("lockfuzz replay lockfuzz-found/lease-threads-stall.json".to_owned());
        let expected = "\
FAIL  lease, threads: two inside at once
      found in case 58 of 8,192 (seed 9057), shrunk to 2 workers, 1 preemption,
      replayed 10 times: 10 fail

step  worker 1                            worker 2
   1  hard_link \"draft\" to \"lock\": ok
   2  HOLDS
   3  write
      ---------- preempted ---------->
   4                                      read \"lock\": \"1000000010\"
   5                                      clock: 0 s
   6                                      sleeps until 10.0000 s
   7  STALLED: the clock moves
   8                                      read \"lock\": \"1000000010\"
   9                                      clock: 10 s
  10  HOLDS since step 2                  HOLDS
  11                                      write
  12                                      read: worker 2  ok
  13                                      gives back
  14  read: worker 2  WRONG

law     worker 1 wrote in step 3 and must read that back in step 14; worker 2
        wrote in step 11
cause   step 4 (worker 2: read \"lock\": \"1000000010\") comes after step 1 (worker
        1: hard_link \"draft\" to \"lock\": ok); the other way round the run passes
        (tried)
saved   lockfuzz-found/lease-threads-stall.json
replay  lockfuzz replay lockfuzz-found/lease-threads-stall.json
";
        assert_eq!(block.to_string(), expected);
        for line in expected.lines() {
            assert!(line.len() <= 80, "{line}");
        }
    }

    #[test]
    fn paths_can_be_given_to_a_shell() {
        assert_eq!(quoted(Path::new("found/a-b.json")), "found/a-b.json");
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
    }
}
