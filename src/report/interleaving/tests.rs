use super::super::moves::short::{self, choosing, steps as history};
use super::super::steps::MOST;
use super::*;
use crate::check::Law;
use crate::history::{Absence, Missing, What};
use crate::schedule::{Command, Wid};

/// The last event at which somebody gets in fails.
fn less(history: &History, holder: Wid) -> Failure {
    let at = history.events.iter().rposition(|e| e.what == What::Locked).unwrap();
    short::failure(Law::ExcludesLess { holder }, history, at)
}

/// What is printed, after a look at what holds for all of them.
fn lines(workers: u32, history: &History, failure: Option<&Failure>) -> String {
    let text = super::super::timeline::timeline(&choosing("any", workers), history, failure);
    for line in text.lines() {
        assert!(line.len() <= 80 && line.trim_end() == line && line.is_ascii(), "{line:?}");
    }
    text
}

#[test]
fn two_workers_break_exists_create() {
    let history = history(
        r#"1 exists "lock": no
        2 exists "lock": no
        2 write "lock" "2": ok
        2 L
        2 W
        1 write "lock" "1": ok
        1 L
        1 W
        1 X
        2 1
        2 X"#,
    );
    let failure = less(&history, 2);
    let expected = "\
step  worker 1                            worker 2
   1  exists \"lock\": no
      ---------- preempted ---------->
   2                                      exists \"lock\": no
   3                                      write \"lock\" \"2\": ok
   4                                      HOLDS
   5                                      write
      <---------- preempted ----------
   6  write \"lock\" \"1\": ok
   7  HOLDS  WRONG                        HOLDS since step 4
      ... 2 more steps
";
    assert_eq!(lines(2, &history, Some(&failure)), expected);
}

fn unlinked() -> History {
    history(
        r#"1 open "lock": ok
        1 try_lock "lock": ok
        1 L
        2 open "lock": ok
        2 try_lock "lock": would block
        2 B
        3 open "lock": ok
        3 try_lock "lock": would block
        3 B
        1 W
        1 1
        1 U
        1 remove_file "lock": ok
        1 close "lock": ok
        2 try_lock "lock": ok
        2 L
        2 W
        2 2
        2 U
        2 remove_file "lock": not found
        3 try_lock "lock": would block
        3 B
        2 close "lock": ok
        2 X
        3 try_lock "lock": ok
        3 L
        1 create_new "a rather long name of it": ok
        1 L
        1 W
        1 X"#,
    )
}

#[test]
fn three_workers_and_what_has_no_part_is_folded() {
    // What worker 2 does first has no part in it.
    let mut history = history(&"2 exists \"lock\": yes\n2 exists \"other\": no\n".repeat(10));
    history.events.extend(unlinked().events);
    history.missing.push(Missing { worker: 3, command: Command::Exit, why: Absence::Died });
    let failure = less(&history, 3);
    let text = lines(3, &history, Some(&failure));
    let shown: Vec<&str> = text.lines().collect();
    assert!(shown.len() <= 48, "{text}");
    assert_eq!(shown[1], "1-22  (22 steps of several workers folded)", "{text}");
    let end = "\
      <----------------- preempted -----------------
  46  create_new \"a rather
        long name of it\": ok
  47  HOLDS  WRONG                                      HOLDS since step 45
      ... 1 more step
worker 3 is gone (its process ended); it was told: exit
";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn five_workers_make_a_list() {
    let mut text = String::new();
    for worker in [5, 4, 3, 2] {
        text += &format!("{worker} exists \"lock\": no\n");
    }
    text += "1 F\n2 create \"lock\": ok\n2 L\n3 create \"lock\": ok\n3 L\n3 W";
    let history = history(&text);
    let failure = less(&history, 2);
    let expected = "\
step  worker  what
   1       5  exists \"lock\": no
      ------- worker 5 preempted ------->
   2       4  exists \"lock\": no
      ------- worker 4 preempted ------->
   3       3  exists \"lock\": no
      ------- worker 3 preempted ------->
   4       2  exists \"lock\": no
      ------- worker 2 preempted ------->
   5       1  failed (errno 5)
   6       2  create \"lock\": ok
   7       2  HOLDS
      ------- worker 2 preempted ------->
   8       3  create \"lock\": ok
   9       3  HOLDS  WRONG (worker 2 since step 7)
      ... 1 more step
";
    assert_eq!(lines(5, &history, Some(&failure)), expected);
}

#[test]
fn a_run_that_passes() {
    let history = history("1 mkdir: ok\n1 L\n2 mkdir: exists\n2 B\n1 W\n1 1\n1 U\n1 X\n2 mkdir: ok\n2 L");
    let expected = "\
step  worker 1                            worker 2
   1  mkdir: ok
   2  HOLDS
      ---------- preempted ---------->
   3                                      mkdir: exists
   4                                      waits
   5  write
   6  read: worker 1  ok
   7  gives back
   8                                      mkdir: ok
   9                                      HOLDS
";
    assert_eq!(lines(2, &history, None), expected);
    let text = "1 W\n1 1\n".repeat(MOST / 2 + 5);
    assert!(
        lines(2, &super::super::moves::short::steps(&text), None).ends_with("\n      ... 10 more steps\n")
    );
}

/// Nobody reads a thousand lines that say the same.
#[test]
fn who_looks_again_and_again_is_shown_twice() {
    let looks = "1 exists \"lock\": yes\n".repeat(100);
    let history = history(&format!("2 write \"lock\" \"2\": ok\n{looks}2 L\n1 L"));
    let failure = less(&history, 2);
    let expected = "\
step  worker 1                            worker 2
   1                                      write \"lock\" \"2\": ok
      <---------- preempted ----------
   2  exists \"lock\": yes
3-100 (98 steps folded)
 101  exists \"lock\": yes
      ---------- preempted ---------->
 102                                      HOLDS
      <---------- preempted ----------
 103  HOLDS  WRONG                        HOLDS since step 102
";
    assert_eq!(lines(2, &history, Some(&failure)), expected);
}
