//! `lockfuzz run`: the planted programs, each with its answer, and what can be asked for.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::Signal;
use support::program::{Home, Ran, json, run};

/// A lock that breaks, and one that does not.
const BROKEN: &str =
    "[ -e lock ] && exit 75; : > lock; [ -e lockfuzz:enter ]; [ -e lockfuzz:leave ]; rm lock";
const SOUND: &str =
    "mkdir lock 2> /dev/null || exit 75; [ -e lockfuzz:enter ]; [ -e lockfuzz:leave ]; rmdir lock";

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

/// A planted C program, the same for all tests here.
fn built_with(name: &str, flags: &[&str]) -> Option<PathBuf> {
    support::planted(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted"), name, flags)
}

/// `lockfuzz run` with two workers.
fn command(home: &Home, flags: &[&str], words: &[&str]) -> Command {
    let mut command = home.lockfuzz(["run", "--dir"]);
    command.arg(home.dir()).args(["--ok-exit", "0,75", "--seed", "1", "--quiet"]);
    if !flags.contains(&"--worker") {
        command.args(["--workers", "2"]);
    }
    if !flags.contains(&"--schedules") {
        command.args(["--schedules", "60"]);
    }
    command.args(flags);
    if !words.is_empty() {
        command.arg("--").args(words);
    }
    command
}

/// Runs it; nothing may be left behind.
#[track_caller]
fn ran(home: &Home, flags: &[&str], words: &[&str], code: i32) -> Ran {
    let ran = run(command(home, flags, words));
    ran.assert_code(code);
    home.assert_clean();
    ran
}

/// A planted C program comes to this end, and says this.
#[track_caller]
fn planted(name: &str, flags: &[&str], code: i32, says: &str) {
    let Some(program) = built_with(name, &["-static"]) else { return };
    says_so(flags, &[program.to_str().unwrap()], code, says);
}

#[track_caller]
fn script(name: &str, flags: &[&str], code: i32, says: &str) {
    says_so(flags, &["sh", source(name).to_str().unwrap()], code, says);
}

#[track_caller]
fn says_so(flags: &[&str], words: &[&str], code: i32, says: &str) {
    let home = Home::new();
    let ran = ran(&home, flags, words, code);
    let said = [ran.out, ran.err].concat();
    // A line may be broken anywhere between two words.
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(says), "{says:?} is not in\n{said}");
}

const TWO_INSIDE: &str = "FAIL two workers inside at once";
const STUCK: &str = "FAIL nobody gets the lock again";

#[test]
fn a_lock_that_breaks_is_found_static_and_dynamic() {
    planted("exists_create", &[], 100, TWO_INSIDE);
    if let Some(program) = built_with("exists_create", &[]) {
        says_so(&[], &[program.to_str().unwrap()], 100, TWO_INSIDE);
    }
}

/// An ELF file for i386, for which not every machine has a compiler: its header, one segment, and the program
/// `mkdir("lock", 0700); exit(0)`.
const I386: &str = "7f454c4601010100000000000000000002000300010000005480040834000000000000000000000034002000\
    01000000000000000100000000000000008004080080040873000000730000000500000000100000\
    b827000000bb6e800408b9c0010000cd80b80100000031dbcd806c6f636b00";

#[test]
fn a_32_bit_program_is_refused_in_one_sentence() {
    let home = Home::new();
    let bytes = (0..I386.len()).step_by(2).map(|at| u8::from_str_radix(&I386[at..at + 2], 16).unwrap());
    let program = home.write("i386", bytes.collect::<Vec<u8>>());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    match Command::new(&program).current_dir(home.dir()).status() {
        Ok(_) => {
            fs::remove_dir(home.dir().join("lock")).unwrap();
            says_so(&[], &[program.to_str().unwrap()], 2, "it is a 32-bit program");
        }
        Err(why) => eprintln!("skipped, as this machine runs none: {why}"),
    }
}

#[test]
fn a_lock_that_does_not_break_passes() {
    planted("excl", &[], 0, "PASS 60 schedules");
}

#[test]
fn a_program_that_is_not_the_same_twice_is_inconclusive() {
    // Whether its coin shows two sides within a few schedules is chance; that it passes as sound never happens.
    planted("nondeterministic", &["--schedules", "300"], 5, "did not happen again");
}

#[test]
fn pids_in_names_are_mapped() {
    planted("pid_names", &[], 100, TWO_INSIDE);
}

#[test]
fn a_daemon_does_not_hold_up_a_schedule_and_is_gone_after_it() {
    planted("daemon", &["--schedules", "20"], 0, "PASS 20 schedules");
}

#[test]
fn a_program_may_change_its_folder() {
    planted("chdir", &[], 100, TWO_INSIDE);
    script("chdir.sh", &[], 100, TWO_INSIDE);
}

#[test]
fn what_comes_by_way_of_a_pipe_is_a_write() {
    planted("spliced", &[], 100, "splice(");
    let Some(program) = built_with("spliced", &["-static"]) else { return };
    says_so(&["--schedules", "30"], &[program.to_str().unwrap(), "locked"], 0, "PASS 30 schedules");
}

#[test]
fn a_signal_is_delivered() {
    script("sigterm.sh", &["--schedules", "30"], 0, "PASS 30 schedules");
}

#[test]
fn timers_ring_when_the_clock_says_so() {
    planted("timers", &["--schedules", "30"], 0, "PASS 30 schedules");
    planted("timers", &["--schedules", "30", "--faults", "stall"], 0, "PASS 30 schedules");
}

/// The second one comes to it before any time is over, and gives up when a second is.
#[test]
fn the_patience_of_flock_comes_to_its_end() {
    if Command::new("flock").arg("--version").output().is_err() {
        return eprintln!("skipped, as flock is missing");
    }
    let words = ["sh", "-c", "flock -w 1 lock sleep 5; echo $? >> log"];
    let check = ["--schedules", "10", "--check", "[ $(sort log | tr -d '\\n') = 01 ]"];
    says_so(&check, &words, 0, "PASS 10 schedules");
}

#[test]
fn on_a_real_clock_timers_ring_for_real() {
    const RUNG: &str = "
import os, signal, time
def ring(*_): raise SystemExit(0)
signal.signal(signal.SIGALRM, ring)
os.close(os.open('log', os.O_CREAT | os.O_RDWR))
signal.setitimer(signal.ITIMER_REAL, 0.1)
time.sleep(60)
raise SystemExit(1)";
    let words = ["/usr/bin/python3", "-IS", "-c", RUNG];
    if !Path::new(words[0]).exists() {
        return eprintln!("skipped, as there is no {}", words[0]);
    }
    says_so(&["--clock", "real", "--schedules", "1"], &words, 0, "PASS 1 schedule");
}

/// Ctrl-C while it waits. What cleans up after that must not give away the lock of another.
#[test]
fn whoever_is_asked_to_end_may_do_so() {
    let source = source("asked.py");
    let mut words = vec!["/usr/bin/python3", "-S", source.to_str().unwrap()];
    if !Path::new(words[0]).exists() {
        return eprintln!("skipped, as there is no {}", words[0]);
    }
    let flags = ["--faults", "eintr", "--schedules", "30"];
    says_so(&flags, &words, 0, "PASS 30 schedules");
    words.push("careless");
    says_so(&flags, &words, 100, "needs EINTR at the flock of worker ");
}

#[test]
fn who_ignores_all_signals_and_waits_for_ever_is_a_deadlock() {
    planted("deaf", &[], 100, STUCK);
}

#[test]
fn a_program_that_executes_itself_keeps_its_descriptors_or_not() {
    planted("exec_self", &["--schedules", "30"], 0, "PASS 30 schedules");
    planted("exec_cloexec", &[], 100, TWO_INSIDE);
}

#[test]
fn a_program_may_close_all_its_descriptors() {
    planted("close_all", &[], 100, TWO_INSIDE);
}

#[test]
fn nobody_waits_for_the_parent_of_a_vfork() {
    planted("vfork", &[], 100, TWO_INSIDE);
}

#[test]
fn eight_threads_add_up_with_a_lock() {
    let check = ["--schedules", "10", "--check", "[ \"$(cat counter)\" = 16 ]"];
    planted("threads", &check, 0, "PASS 10 schedules");
}

#[test]
fn eight_threads_do_not_add_up_without_one() {
    let Some(program) = built_with("threads", &["-static"]) else { return };
    let check = ["--check", "[ \"$(cat counter)\" = 16 ]"];
    says_so(&check, &[program.to_str().unwrap(), "unlocked"], 100, "the check at the end fails");
}

#[test]
fn whoever_looks_for_ever_is_a_livelock_and_no_pass() {
    planted("sleeping", &[], 100, STUCK);
}

/// Holding the lock for half an hour, and waiting for it up to two, takes no time.
#[test]
fn hours_pass_at_once() {
    let python = ["/usr/bin/python3", "-S", source("long_wait.py").to_str().unwrap()].map(str::to_owned);
    if Path::new(&python[0]).exists() {
        let words = python.each_ref().map(String::as_str);
        says_so(&["--schedules", "5"], &words, 0, "PASS 5 schedules");
    } else {
        eprintln!("skipped, as there is no {}", python[0]);
    }
}

/// It makes no call any more, so nobody can say where it is.
#[test]
fn who_makes_no_call_is_killed_and_that_is_no_verdict() {
    let Some(program) = built_with("busy", &["-static"]) else { return };
    says_so(&["--silence", "100ms"], &[program.to_str().unwrap()], 5, "made no call for 100ms");
}

#[test]
fn whoever_looks_without_a_pause_is_a_livelock_as_well() {
    planted("spinning", &[], 100, STUCK);
}

/// What it prints is no point, however much it is, and the end of it is shown. (A hundred megabytes take seconds.)
#[test]
fn who_prints_megabytes_is_heard_to_the_last_line() {
    let Some(program) = built_with("loud", &["-static"]) else { return };
    says_so(&[], &[program.to_str().unwrap(), "20000"], 100, "/ the last line");
}

#[test]
fn a_program_that_never_ends_is_none_to_search() {
    let Some(program) = built_with("sleeping", &["-static"]) else { return };
    says_so(&[], &[program.to_str().unwrap(), "always"], 2, "without any interleaving");
}

#[test]
fn a_file_without_a_name_gets_one() {
    planted("tmpfile", &[], 0, "PASS 60 schedules");
}

#[test]
fn paths_through_proc_lead_to_the_same_file() {
    planted("proc_fd", &[], 100, TWO_INSIDE);
}

#[test]
fn nothing_in_a_name_reaches_the_terminal_raw() {
    let Some(program) = built_with("newline", &["-static"]) else { return };
    let home = Home::new();
    let ran = ran(&home, &[], &[program.to_str().unwrap()], 100);
    assert!(!ran.out.contains('\x1b'), "{}", ran.out);
}

#[test]
fn two_locks_in_two_orders_are_a_deadlock() {
    planted("deadlock", &[], 100, STUCK);
}

#[test]
fn a_lease_breaks_by_a_stall_and_by_nothing_else() {
    planted("lease", &[], 0, "PASS 60 schedules");
    planted("lease", &["--faults", "stall", "--schedules", "300"], 100, TWO_INSIDE);
}

#[test]
fn a_torn_read_is_seen() {
    planted("torn", &["--check-readback", "data"], 100, "FAIL");
}

#[test]
fn a_lock_is_left_behind() {
    script("left_behind.sh", &["--schedules", "300"], 100, STUCK);
}

/// Something is left behind that is not there after the workers ran one by one, so a fresh one comes as well.
#[test]
fn the_check_is_asked_before_a_fresh_worker_comes() {
    let line = "echo >> log; [ -e lock ] && { : > left; exit 0; }; : > lock; rm -f lock";
    let check = ["--schedules", "20", "--check", "[ \"$(wc -l < log)\" = 2 ]"];
    says_so(&check, &["sh", "-c", line], 0, "PASS 20 schedules");
}

#[test]
fn a_lock_outlives_a_holder_that_is_killed() {
    script("crash.sh", &["--schedules", "30"], 0, "PASS 30 schedules");
    script("crash.sh", &["--faults", "crash"], 100, STUCK);
}

/// What each careless program does, its folder, and what is said of it: the law, what it takes, and the step.
type Befallen = (&'static str, &'static [&'static str], &'static str, [&'static str; 2]);

const BEFALLEN: [Befallen; 6] = [
    ("eintr", &[], TWO_INSIDE, ["EINTR at the flock of worker ", "INTERRUPTED: EINTR"]),
    (
        "short-write",
        &["--check", "[ \"$(sort -u log)\" = 'a whole line' ]"],
        "FAIL the check at the end fails",
        ["a short write at the write of worker ", "SHORT WRITE"],
    ),
    (
        "short-read",
        &["--prepare", "echo 1000 > counter", "--check", "[ \"$(cat counter)\" = 1002 ]"],
        "FAIL the check at the end fails",
        ["a short read at the read of worker ", "SHORT READ"],
    ),
    ("enospc", &[], STUCK, ["ENOSPC at the ", "DISK FULL: ENOSPC"]),
    ("eio", &[], STUCK, ["EIO at the fsync of worker ", "DISK FAILS: EIO"]),
    ("estale", &[], TWO_INSIDE, ["ESTALE at the mkdir of worker ", "FILE IS STALE: ESTALE"]),
];

/// What was saved of a run that failed with one fault, which its timeline and its sentence name.
#[track_caller]
fn one_fault(home: &Home, said: &Ran, [takes, drawn]: [&str; 2]) -> String {
    let flat = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let needs = flat.split("needs ").nth(1).unwrap_or_else(|| panic!("{}", said.out));
    let needs = needs.split(" step worker 1").next().unwrap();
    assert!(needs.starts_with(takes) && !needs.contains(" and "), "{}", said.out);
    // The step that it names is the call, and the one before it is the fault.
    let step: usize = needs.rsplit("at step ").next().unwrap().parse().unwrap();
    let line = |step: usize| {
        let number = |line: &&str| line.split(' ').find(|word| !word.is_empty()) == Some(&step.to_string());
        said.out.lines().find(number).unwrap_or_else(|| panic!("{}", said.out))
    };
    assert!(line(step - 1).contains(drawn), "{}", said.out);
    let call = takes.split(" at the ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("");
    assert!(line(step).contains(call), "{}", said.out);
    let saved = said.out.lines().find_map(|line| line.strip_prefix("saved   ")).unwrap().to_owned();
    let case = json(&fs::read_to_string(home.path(&saved)).unwrap())["case"]["faults"].clone();
    let counts = case.as_object().unwrap().values().map(|count| count.as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 1, "{case}");
    saved
}

#[test]
fn a_call_that_fails_or_does_half_is_found_named_and_replayed() {
    let Some(program) = built_with("faults", &["-static"]) else { return };
    let program = program.to_str().unwrap();
    for (kind, flags, law, words) in BEFALLEN {
        let home = Home::new();
        let said = ran(&home, &[flags, &["--faults", kind]].concat(), &[program, kind], 100);
        let flat = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(law), "{}", said.out);
        let saved = one_fault(&home, &said, words);
        let again = run(home.lockfuzz(["replay", &saved]));
        again.assert_code(100);
        assert!(again.out.contains("seen again"), "{}", again.out);
        // Nothing is wrong with it where nothing fails, and nothing where it looks what came of its calls.
        ran(&home, &[flags, &["--schedules", "20"]].concat(), &[program, kind], 0);
        let said = ran(&home, &[flags, &["--faults", kind]].concat(), &[program, kind, "careful"], 0);
        assert!(said.out.contains("PASS  60 schedules"), "{}", said.out);
        let flat = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!flat.contains("possible"), "it could strike: {}", said.out);
        assert!(!flat.contains(&format!(", {kind}")), "it was tried: {}", said.out);
    }
}

/// After a signal with such a handler the kernel begins the call again.
#[test]
fn nobody_is_interrupted_where_calls_are_begun_again() {
    let Some(program) = built_with("faults", &["-static"]) else { return };
    let words = [program.to_str().unwrap(), "restart"];
    let not_tried = "not tried: crash, stall, short-write, short-read, enospc, eio, estale; \
                     at no call possible: eintr";
    says_so(&["--faults", "eintr"], &words, 0, not_tried);
}

#[test]
fn the_first_piece_of_several_is_written_and_no_more() {
    let Some(program) = built_with("faults", &["-static"]) else { return };
    let program = program.to_str().unwrap();
    let flags = ["--faults", "short-write", "--check", "[ \"$(sort -u log)\" = 'a whole line' ]"];
    says_so(&flags, &[program, "vector"], 100, "needs a short write at the writev of worker ");
    says_so(&flags, &[program, "vector", "careful"], 0, "PASS 60 schedules");
}

#[test]
fn faults_that_are_not_needed_are_taken_away() {
    let Some(program) = built_with("faults", &["-static"]) else { return };
    let home = Home::new();
    // (Killed inside, it would leave the lock behind.)
    let others = "stall,eintr,short-write,short-read,enospc,eio";
    let said = ran(&home, &["--faults", others], &["sh", "-c", BROKEN], 100);
    assert!(said.out.contains("no faults") && !said.out.contains("needs"), "{}", said.out);
    // Each of the two leaves the lock behind, and one is enough.
    let flags = ["--faults", "enospc,eio"];
    let said = ran(&home, &flags, &[program.to_str().unwrap(), "eio"], 100);
    one_fault(&home, &said, ["E", "DISK F"]);
}

#[test]
fn what_fails_alone_is_no_race() {
    script("alone.sh", &[], 2, "without any interleaving");
}

#[test]
fn a_lock_outside_is_named_and_found_when_it_is_watched() {
    let Some(program) = built_with("outside", &["-static"]) else { return };
    let home = Home::new();
    fs::create_dir(home.path("shared")).unwrap();
    let lock = home.path("shared").join("lock");
    let words = [program.to_str().unwrap(), lock.to_str().unwrap()];
    let shared = home.path("shared");
    let said = ran(&home, &[], &words, 4);
    assert!(said.err.contains("watch"), "{}", said.err);
    ran(&home, &["--watch", shared.to_str().unwrap()], &words, 100);
}

#[test]
fn no_two_want_the_same() {
    planted("apart", &["--schedules", "20"], 5, "INCONCLUSIVE");
}

#[test]
fn programs_that_cannot_be_run() {
    let home = Home::new();
    ran(&home, &[], &["/nonexistent/program"], 2);
    ran(&home, &[], &["no-such-program-anywhere"], 2);
    ran(&home, &[], &[source("excl.c").to_str().unwrap()], 2);
}

#[test]
fn two_programs_by_two_workers() {
    let home = Home::new();
    let (one, two) = (home.write("one.sh", BROKEN), home.write("two.sh", format!("{BROKEN} # the other")));
    let worker = |path: &Path| format!("sh {}", path.display());
    let (one, two) = (worker(&one), worker(&two));
    ran(&home, &["--worker", &one, "--worker", &two], &[], 100);
    ran(&home, &["--worker", &one], &[], 2);
}

#[test]
fn a_folder_is_made_ready() {
    let home = Home::new();
    fs::create_dir(home.path("from")).unwrap();
    home.write("from/there", "already");
    let from = home.path("from");
    let words =
        ["sh", "-c", "read it < there && read too < made && mkdir lock 2> /dev/null && rmdir lock; exit 0"];
    let flags = ["--from", from.to_str().unwrap(), "--prepare", "echo ready > made", "--schedules", "5"];
    ran(&home, &flags, &words, 0);
    let said = ran(&home, &["--prepare", "echo no room; exit 3"], &words, 2);
    assert!(said.err.contains("no room"), "{}", said.err);
    let check = ["--check", "[ -e made ]", "--schedules", "5"];
    ran(&home, &check, &["sh", "-c", SOUND], 2);
}

#[test]
fn a_lock_of_an_hour_ago_is_an_hour_old() {
    let home = Home::new();
    // However long it takes to make it ready.
    let script = "mkdir once 2> /dev/null || exit 75; test old -ot lock;
        [ $(($(date +%s) - $(stat -c %Y old))) = 3600 ] && [ $(($(date +%s) - $(stat -c %Y older))) = 5400 ] || exit 1
        rmdir once";
    let prepare = "touch old; touch -d '30 minutes ago' older";
    ran(&home, &["--prepare", prepare, "--age", "1h", "--schedules", "5"], &["sh", "-c", script], 0);
}

#[test]
fn what_is_copied_keeps_its_time() {
    let home = Home::new();
    fs::create_dir(home.path("from")).unwrap();
    let there = fs::File::create(home.path("from/there")).unwrap();
    there.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_007)).unwrap();
    let script =
        "mkdir once 2> /dev/null || exit 75; [ $(stat -c %Y there) = 1000000007 ] || exit 1; rmdir once";
    let from = home.path("from");
    ran(&home, &["--from", from.to_str().unwrap(), "--schedules", "5"], &["sh", "-c", script], 0);
    // Unless it was changed since.
    let flags = ["--from", from.to_str().unwrap(), "--schedules", "5", "--prepare", "touch there"];
    let script = script.replace("1000000007", "$(date +%s)");
    ran(&home, &flags, &["sh", "-c", &script], 0);
}

#[test]
fn a_race_that_is_known_must_be_found() {
    let home = Home::new();
    ran(&home, &["--expect", "race"], &["sh", "-c", BROKEN], 0);
    ran(&home, &["--expect", "race", "--schedules", "5"], &["sh", "-c", SOUND], 5);
}

#[test]
fn a_table_for_programs() {
    let home = Home::new();
    let said = ran(&home, &["--json", "-"], &["sh", "-c", BROKEN], 100);
    let report = json(&said.out);
    assert_eq!(report["format"], "lockfuzz/run/1");
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["workers"], 2);
    let said = ran(&home, &["--json", "-", "--schedules", "5"], &["sh", "-c", SOUND], 0);
    let report = json(&said.out);
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["schedules"], 5);
    assert!(report["counterexample"].is_null() && report["first_failure"].is_null(), "{report}");
}

#[test]
fn the_points_are_listed() {
    let home = Home::new();
    let said = ran(&home, &["--trace-only"], &["sh", "-c", SOUND], 0);
    assert!(said.out.contains("mkdir"), "{}", said.out);
}

#[test]
fn who_touches_nothing_has_no_points() {
    let home = Home::new();
    ran(&home, &[], &["true"], 4);
}

#[test]
fn what_is_saved_is_replayed_plotted_and_explained() {
    let home = Home::new();
    let script = home.write("lock.sh", BROKEN);
    let report = ran(&home, &["--json", "-"], &["sh", script.to_str().unwrap()], 100);
    let file = json(&report.out)["counterexample"].as_str().unwrap().to_owned();
    let again = run(home.lockfuzz(["replay", &file]));
    again.assert_code(100);
    assert!(again.out.contains("seen again"), "{}", again.out);
    run(home.lockfuzz(["explain", &file])).assert_code(0);
    run(home.lockfuzz(["plot", &file])).assert_code(0);
    // Repaired, it makes other calls, and passes; it starts no children, as a thousand schedules are searched.
    home.write(
        "lock.sh",
        "set -C; { echo > lock; } 2> /dev/null || exit 75; [ -e lockfuzz:enter ]; [ -e lockfuzz:leave ]; true",
    );
    let repaired = run(home.lockfuzz(["replay", &file]));
    repaired.assert_code(0);
    assert!(repaired.out.contains("the program has changed"), "{}", repaired.out);
}

#[test]
fn what_is_left_behind_is_replayed_as_well() {
    let home = Home::new();
    let words = ["sh", source("left_behind.sh").to_str().unwrap()].map(str::to_owned);
    let words = words.each_ref().map(String::as_str);
    let report = ran(&home, &["--json", "-", "--schedules", "300"], &words, 100);
    let file = json(&report.out)["counterexample"].as_str().unwrap().to_owned();
    let again = run(home.lockfuzz(["replay", &file]));
    again.assert_code(100);
}

/// No process survives it, and in the end no file.
#[test]
fn however_lockfuzz_dies_nobody_survives() {
    let home = Home::new();
    let word = home.path("a word by which its processes are known");
    let words = ["sh", "-c", SOUND, word.to_str().unwrap()];
    let mut random = StdRng::seed_from_u64(support::seed());
    for moment in 0..100 {
        let command = command(&home, &["--schedules", "1000000", "--jobs", "2"], &words);
        let running = home.start(command);
        // Beside lockfuzz itself, and its guard: one that is started, or those who are copied, and a copy.
        let more_than = if moment % 2 == 0 { 2 } else { 4 };
        running.wait_for("worker", || Some(()).filter(|()| home.processes().len() > more_than));
        // No moment is better than another: a worker is born, runs, is held, or is gone.
        std::thread::sleep(Duration::from_micros(random.random_range(0..10_000)));
        running.signal(Signal::KILL);
        assert!(running.ended_within(Duration::from_secs(60)));
        drop(running);
        // The next one clears away what is left of its files.
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while let Some(&pid) = home.processes().first() {
            assert!(std::time::Instant::now() < deadline, "process {pid:?} stays behind");
            if let Some(pidfd) = support::program::watch(pid) {
                support::program::ended_within(&pidfd, Duration::from_secs(60));
            }
        }
    }
    // Nor a file of theirs.
    ran(&home, &["--schedules", "3"], &words, 0);
}

/// What is said up to the law, or the cause: what comes after it was found within a time.
fn without_time(said: &str) -> Vec<&str> {
    let timeless = |line: &&str| !line.trim().starts_with("replayed") && !line.ends_with(" s in all)");
    let ends = |line: &&str| line.starts_with("law") || line.starts_with("cause");
    said.lines().take_while(|line| !ends(line)).filter(timeless).collect()
}

/// The same search, schedule by schedule. To what a find shrinks is a matter of time.
#[test]
fn copies_find_what_starts_find() {
    for (line, code) in [(BROKEN, 100), (SOUND, 0)] {
        let [mut started, mut copied] = [&["--plain-starts"][..], &[]].map(|flags| {
            let home = Home::new();
            let flags = [flags, &["--shrink", "100ms", "--json", "-"]].concat();
            json(&ran(&home, &flags, &["sh", "-c", line], code).out)
        });
        assert!(copied["plain_starts"].is_null(), "{copied}");
        for json in [&mut started, &mut copied] {
            json["rate"].take();
        }
        assert_eq!(started, copied);
    }
}

/// Its handler is there before its first call on a file, so a copy has it as well.
#[test]
fn copies_meet_the_faults_that_starts_meet() {
    let Some(program) = built_with("faults", &["-static"]) else { return };
    let said = [&["--plain-starts"][..], &[]].map(|flags| {
        let home = Home::new();
        ran(
            &home,
            &[flags, &["--faults", "eintr", "--shrink", "10m"]].concat(),
            &[program.to_str().unwrap(), "eintr"],
            100,
        )
        .out
    });
    assert_eq!(without_time(&said[0]), without_time(&said[1]));
    assert!(!said[1].contains("started anew"), "{}", said[1]);
}

#[test]
fn who_cannot_be_copied_is_named() {
    let Some(program) = built_with("before", &[]) else { return };
    let program = program.to_str().unwrap();
    let home = Home::new();
    let said = ran(&home, &[], &[program, "timer"], 0).out;
    let note = "note  each worker is started anew for each schedule: it sets a timer before its";
    assert!(said.contains(note), "{said}");
    let one = format!("{program} timer");
    let said = ran(&home, &["--worker", &one, "--worker", program], &[], 0).out;
    assert!(said.contains("note  worker 1 is started anew"), "{said}");
    let said = ran(&home, &["--json", "-"], &[program, "timer"], 0).out;
    assert!(json(&said)["plain_starts"].as_str().unwrap().starts_with("each worker is"), "{said}");
}
