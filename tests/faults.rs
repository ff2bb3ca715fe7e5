//! Whatever happens to the program, its workers, or the folders that it works in.
//!
//! The campaigns here go on for an hour unless something happens. Nothing is asserted about time:
//! tests wait for what they want to see, and only who hangs runs into a bound.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::program::{Home, LOCKFUZZ, Ran, Running, json, mounted, run, watch};

/// A long campaign on the stepped engine, in processes.
const STEPPED: &str = "--for 1h --placement processes --lock flag,flock --faults none --workers 3";
/// A long campaign on a real clock, in processes: a case takes seconds.
const REALTIME: &str =
    "--engine realtime --for 1h --placement processes --lock flock --workers 2 --period 0.3";

/// The report of a run that was stopped: what is known so far, in words and as JSON.
#[track_caller]
fn assert_stopped(home: &Home, ran: &Ran) -> Vec<Value> {
    ran.assert_code(130);
    assert!(ran.out.contains("\nSTOPPED  "), "{}", ran.out);
    assert!(!ran.err.contains("lockfuzz: "), "{}", ran.err);
    home.assert_clean();
    let document = json(&fs::read_to_string(home.path("out.json")).unwrap());
    assert_eq!(document["verdict"], "inconclusive");
    document["rows"].as_array().unwrap().clone()
}

#[test]
fn ctrl_c_at_several_moments_of_a_stepped_campaign() {
    let moments: [&dyn Fn(&Running<'_>); 4] = [
        &|running| running.wait_for_header(),
        &|running| running.wait_for_row(),
        &|running| drop(running.wait_for_workers(3)),
        &|running| running.wait_for_case(),
    ];
    for (moment, signal) in moments.iter().zip([Signal::INT, Signal::TERM, Signal::HUP, Signal::INT]) {
        let home = Home::new();
        let running = home.start(home.fuzz(&format!("{STEPPED} --json out.json")));
        moment(&running);
        running.signal(signal);
        assert_stopped(&home, &running.end());
    }
}

#[test]
fn ctrl_c_prints_and_saves_what_was_found() {
    let home = Home::new();
    let running = home.start(home.fuzz("--for 1h --json out.json --junit out.xml"));
    let races = ["flag, threads, ", "flag, processes, ", "mutex, processes, "];
    running.wait_for("races", || {
        let err = running.err();
        races.iter().all(|race| err.matches(race).count() == 3).then_some(())
    });
    // What is known is on disk already.
    let found = |rows: &Value| rows.as_array().unwrap().iter().filter(|row| row["found"] == "race").count();
    assert_eq!(found(&json(&fs::read_to_string(home.path("out.json")).unwrap())["rows"]), 9);
    running.signal(Signal::INT);
    let ran = running.end();
    let rows = assert_stopped(&home, &ran);
    assert_eq!(found(&Value::from(rows)), 9);
    assert!(ran.out.contains("mutex, processes: race, as expected"), "{}", ran.out);
    assert_eq!(fs::read_dir(home.path("lockfuzz-found")).unwrap().count(), 3);
    let xml = fs::read_to_string(home.path("out.xml")).unwrap();
    assert!(quick_junit::Report::deserialize_from_str(&xml).unwrap().tests >= 9);
}

#[test]
fn ctrl_c_at_several_moments_of_a_realtime_campaign() {
    let moments: [&dyn Fn(&Running<'_>); 3] =
        [&|running| running.wait_for_header(), &|running| drop(running.wait_for_workers(2)), &|running| {
            running.wait_for_case()
        }];
    for moment in moments {
        let home = Home::new();
        let running = home.start(home.fuzz(&format!("{REALTIME} --json out.json")));
        moment(&running);
        running.signal(Signal::INT);
        assert_stopped(&home, &running.end());
    }
}

/// On a real clock it takes seconds to confirm a find. Ctrl-C meanwhile must not lose it.
#[test]
fn ctrl_c_while_a_counterexample_is_confirmed() {
    let home = Home::new();
    let words = "--engine realtime --lock flag --placement processes --order as-generated --workers 2";
    let running = home.start(home.fuzz(&format!("{words} --cases 1 --period 0.2 --json out.json")));
    // The first case finds it. From then on there is a second engine, to shrink it, or a second case.
    let confirming = || {
        let engines = fs::read_dir(home.left().pop()?).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let engines: Vec<PathBuf> = engines.collect();
        let second = |engine: &PathBuf| {
            ["json", "lock"].iter().any(|end| engine.join(format!("case-2.{end}")).exists())
        };
        (engines.len() > 1 || engines.iter().any(second)).then_some(())
    };
    running.wait_for("second run", confirming);
    running.signal(Signal::INT);
    let ran = running.end();
    ran.assert_code(130);
    assert!(!ran.err.contains("lockfuzz: "), "{}", ran.err);
    let row = json(&fs::read_to_string(home.path("out.json")).unwrap())["rows"][0].clone();
    assert_eq!(row["found"], "race");
    let path = row["counterexample"].as_str().unwrap();
    run(home.lockfuzz(["replay", path])).assert_code(100);
}

#[test]
fn ctrl_c_after_a_claim_was_broken() {
    let home = Home::new();
    let Some(broken) = home.broken_flock() else { return };
    let mut command = home.fuzz("--for 1h --lock flock,semaphore --json out.json");
    command.env("LD_PRELOAD", broken);
    let running = home.start(command);
    running.wait_for("race", || running.err().contains("flock, processes, as generated: race").then_some(()));
    running.signal(Signal::INT);
    let ran = running.end();
    ran.assert_code(100);
    assert!(ran.out.contains("\nFAIL  flock, "), "{}", ran.out);
    assert_eq!(json(&fs::read_to_string(home.path("out.json")).unwrap())["verdict"], "fail");
    home.assert_clean();
}

/// Nor is it less of a find when it cannot be saved.
#[test]
fn a_broken_claim_that_cannot_be_saved() {
    let home = Home::new();
    let Some(broken) = home.broken_flock() else { return };
    fs::create_dir(home.path("found")).unwrap();
    let row =
        "--engine realtime --lock flock --placement processes --order as-generated --workers 2 --seed 1";
    let mut command = home.fuzz(&format!("{row} --period 0.1 --cases 1 --save found --json out.json"));
    command.env("LD_PRELOAD", broken);
    let running = home.start(command);
    running.wait_for_case();
    fs::remove_dir(home.path("found")).unwrap();
    home.write("found", "in the way");
    let ran = running.end();
    ran.assert_code(100);
    assert!(ran.out.contains("\nFAIL  flock, processes: "), "{}", ran.out);
    assert!(ran.err.lines().last().unwrap().starts_with("lockfuzz: cannot save found"), "{}", ran.err);
    home.assert_clean();
}

#[test]
fn ctrl_c_again_and_again() {
    for words in [STEPPED, REALTIME] {
        let home = Home::new();
        let running = home.start(home.fuzz(words));
        running.wait_for_workers(2);
        for _ in 0..3 {
            // Refused only when it has ended.
            let _ = kill_process(running.pid(), Signal::INT);
        }
        running.end().assert_code(130);
        home.assert_clean_in_the_end();
    }
}

/// Ctrl-C on a terminal goes to the whole group; workers and guard are not in it.
#[test]
fn ctrl_c_reaches_the_driver_alone() {
    use std::os::unix::process::CommandExt;
    let home = Home::new();
    let mut command = home.fuzz(&format!("{REALTIME} --json out.json"));
    command.process_group(0);
    let running = home.start(command);
    running.wait_for_case();
    rustix::process::kill_process_group(running.pid(), Signal::INT).unwrap();
    let ran = running.end();
    assert_stopped(&home, &ran);
    assert!(!ran.out.contains("died"), "{}", ran.out);
}

#[test]
fn the_driver_is_killed() {
    for (words, workers) in [(STEPPED, 3), (REALTIME, 2), ("--for 1h --placement threads", 0)] {
        let home = Home::new();
        let running = home.start(home.fuzz(words));
        running.wait_for_case();
        running.wait_for_workers(workers);
        assert_eq!(home.processes_with("guard").len(), 1);
        running.signal(Signal::KILL);
        assert_eq!(running.end().code, 128 + 9);
        home.assert_clean_in_the_end();
    }
}

#[test]
fn a_replay_is_killed() {
    let home = Home::new();
    let path = home.case("flag", "processes");
    for signal in [Signal::KILL, Signal::INT, Signal::TERM] {
        let mut command = home.lockfuzz(["replay", "--times", "1000000000", "--dir"]);
        command.arg(home.dir()).arg(&path);
        let running = home.start(command);
        running.wait_for_workers(2);
        running.signal(signal);
        assert!(running.end().code > 128);
        home.assert_clean_in_the_end();
    }
}

/// The guard is gone when the driver dies by itself: nobody is left to clean up but the driver.
#[test]
fn the_guard_is_killed() {
    let home = Home::new();
    let running = home.start(home.fuzz(&format!("{STEPPED} --json out.json")));
    running.wait_for_case();
    let guards = home.processes_with("guard");
    kill_process(guards[0], Signal::KILL).unwrap();
    running.signal(Signal::INT);
    assert_stopped(&home, &running.end());
}

/// Kills one worker process in the middle of a case, and sees to it that a new crew comes.
fn kill_a_worker(home: &Home, running: &Running<'_>) {
    running.wait_for_case();
    let old = running.wait_for_workers(2);
    let victim = old[0];
    let gone = watch(victim);
    kill_process(victim, Signal::KILL).unwrap();
    assert!(gone.is_none_or(|gone| support::program::ended_within(&gone, Duration::from_secs(60))));
    running.wait_for("new crew", || {
        let new: Vec<Pid> = home.workers().into_iter().filter(|pid| !old.contains(pid)).collect();
        (new.len() >= 2).then_some(())
    });
}

/// The report names a worker that is gone, and the campaign went on without it.
#[track_caller]
fn assert_names_the_worker(home: &Home, ran: &Ran, code: i32) {
    ran.assert_code(code);
    let text = ran.out.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(text.contains(" 0 of 1 rows as expected"), "{text}");
    let named = (1..=3).any(|worker| text.contains(&format!("worker {worker} is gone (its process ended)")));
    assert!(named, "no worker is named in {text}");
    let row = &json(&fs::read_to_string(home.path("out.json")).unwrap())["rows"][0];
    assert_eq!([&row["found"], &row["verdict"]], ["inconclusive", "inconclusive"]);
    assert!(row["cases"].as_u64().unwrap() > 1, "the campaign went on");
    home.assert_clean();
}

fn kill_a_worker_on_a_real_clock(lock: &str) {
    let home = Home::new();
    let words = format!("--lock {lock} --placement processes --faults none --order as-generated --workers 2");
    let running =
        home.start(home.fuzz(&format!("--engine realtime {words} --period 0.2 --cases 2 --json out.json")));
    kill_a_worker(&home, &running);
    assert_names_the_worker(&home, &running.end(), 5);
}

#[test]
fn a_worker_is_killed_on_a_real_clock() {
    kill_a_worker_on_a_real_clock("flock");
}

/// Nobody gives back the semaphore of a dead holder: the others would wait for ever.
#[test]
fn a_worker_is_killed_that_others_wait_for() {
    kill_a_worker_on_a_real_clock("semaphore");
}

#[test]
fn a_worker_is_killed_in_a_stepped_campaign() {
    for lock in ["flock", "semaphore"] {
        let home = Home::new();
        let words =
            format!("--lock {lock} --placement processes --faults none --order as-generated --workers 3");
        let running = home.start(home.fuzz(&format!("{words} --for 1h --json out.json")));
        kill_a_worker(&home, &running);
        running.signal(Signal::INT);
        assert_names_the_worker(&home, &running.end(), 130);
    }
}

/// One that is stopped is waited for.
#[test]
fn a_worker_is_stopped_for_a_while() {
    let home = Home::new();
    let words = "--lock flock --placement processes --faults none --order as-generated --workers 3 --for 1h --json out.json";
    let running = home.start(home.fuzz(words));
    running.wait_for_case();
    let worker = running.wait_for_workers(3)[0];
    kill_process(worker, Signal::STOP).unwrap();
    running.signal(Signal::INT);
    // Time enough to take it for dead, and then its row would be inconclusive. It may have had nothing left
    // to do in this case; then the campaign is over already.
    running.ended_within(Duration::from_millis(300));
    let _ = kill_process(worker, Signal::CONT);
    let rows = assert_stopped(&home, &running.end());
    assert_eq!(rows[0]["found"], "no race");
}

/// A driver that stands still makes a run late, and never a lock wrong.
fn stop_the_driver_on_a_real_clock(placement: &str) {
    let home = Home::new();
    let words = format!("--engine realtime --lock flock --order as-generated --placement {placement}");
    let running =
        home.start(home.fuzz(&format!("{words} --workers 2 --period 0.1 --cases 1 --json out.json")));
    running.wait_for_case();
    running.signal(Signal::STOP);
    assert!(!running.ended_within(Duration::from_secs(2)));
    running.signal(Signal::CONT);
    let ran = running.end();
    assert!(ran.code == 0 || ran.code == 5, "{} {}", ran.out, ran.err);
    let row = &json(&fs::read_to_string(home.path("out.json")).unwrap())["rows"][0];
    assert!(row["verdict"] == "pass" || row["verdict"] == "inconclusive", "{row}");
    home.assert_clean();
}

#[test]
fn the_driver_of_threads_is_stopped_for_a_while() {
    stop_the_driver_on_a_real_clock("threads");
}

#[test]
fn the_driver_of_processes_is_stopped_for_a_while() {
    stop_the_driver_on_a_real_clock("processes");
}

#[test]
fn nobody_reads_standard_output_any_more() {
    let home = Home::new();
    for (words, code) in [
        ("fuzz --lock flag --dir dir", 0),
        ("fuzz --lock flag --dir dir --json -", 0),
        ("locks", 0),
        ("schedule --workers 64", 0),
        ("replay case.json --dir dir", 100),
        ("plot case.json", 0),
        ("--help", 0),
    ] {
        home.case("flag", "processes");
        let mut child =
            home.lockfuzz(words.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{words}: {err}");
        assert!(!err.contains("panicked") && !err.contains("lockfuzz: "), "{words}: {err}");
    }
    home.assert_clean();
}

/// A campaign with some of everything, and how many rows it has: three orders in two placements for each lock of the
/// experiment, and a row for each placement of the others.
const SHORT: &str = "--cases 40 --faults none --lock flag,flock,exists-create,excl";
const ROWS: usize = 16;

/// As in `lockfuzz fuzz | head -1`.
#[test]
fn only_the_first_line_is_read() {
    let home = Home::new();
    let mut child = home.fuzz(SHORT).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("stepped engine, "), "{line}");
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{err}");
    assert_eq!(err.lines().count(), ROWS, "all rows, and nothing else: {err}");
    home.assert_clean();
}

#[test]
fn nobody_reads_the_progress_any_more() {
    let home = Home::new();
    let mut child = home.fuzz(SHORT).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(out.contains(&format!("PASS  {ROWS} of {ROWS}")), "{out}");
    home.assert_clean();
}

#[test]
fn without_any_standard_streams() {
    let home = Home::new();
    let script = format!("exec {LOCKFUZZ} fuzz --dir dir --cases 20 --json out.json <&- >&- 2>&-");
    let mut shell = home.command("sh");
    shell.args(["-c", &script]);
    run(shell).assert_code(0);
    assert_eq!(json(&fs::read_to_string(home.path("out.json")).unwrap())["verdict"], "pass");
    home.assert_clean();
}

#[test]
fn two_campaigns_in_one_folder_and_one_of_them_is_killed() {
    let [home, other] = [Home::new(), Home::new()];
    let mut survivor = other.lockfuzz(["fuzz", "--lock", "flock", "--for", "1h", "--json", "out.json"]);
    survivor.arg("--dir").arg(home.dir());
    let victim = home.start(home.fuzz(STEPPED));
    victim.wait_for_case();
    let [theirs] = home.left().try_into().unwrap();
    let survivor = other.start(survivor);
    survivor.wait_for("folder of its own", || (home.left().len() == 2).then_some(()));
    survivor.wait_for_header();
    victim.signal(Signal::KILL);
    victim.end();
    survivor.wait_for("cleaning up", || (!theirs.exists()).then_some(()));
    survivor.signal(Signal::INT);
    assert_stopped(&other, &survivor.end());
    home.assert_clean_in_the_end();
}

#[test]
fn two_campaigns_that_save_into_one_folder() {
    let home = Home::new();
    let fuzz = |seed: u32| {
        let mut command = home.fuzz(&format!("--lock flag,mutex --placement processes --seed {seed}"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    for mut child in [1, 1, 2, 3].map(fuzz) {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let mut saved: Vec<PathBuf> =
        fs::read_dir(home.path("lockfuzz-found")).unwrap().map(|e| e.unwrap().path()).collect();
    saved.sort();
    let names = ["flag-processes.json", "mutex-processes.json"];
    assert_eq!(saved, names.map(|name| home.path("lockfuzz-found").join(name)), "one file for one case");
    home.assert_clean();
}

/// A campaign on a real clock whose first case is on its way: nothing is saved yet.
fn about_to_find<'a>(home: &'a Home, words: &str) -> Running<'a> {
    fs::create_dir(home.path("found")).unwrap();
    let row = "--engine realtime --lock flag --placement threads --order as-generated --workers 2";
    let running = home.start(home.fuzz(&format!("{row} --period 0.1 --cases 1 --save found {words}")));
    running.wait_for_case();
    running
}

#[test]
fn the_folder_of_the_finds_is_removed_meanwhile() {
    let home = Home::new();
    let running = about_to_find(&home, "");
    fs::remove_dir(home.path("found")).unwrap();
    running.end().assert_code(0);
    assert!(home.path("found/flag-threads.json").exists(), "made again");
    home.assert_clean();
}

#[test]
fn the_folder_of_the_finds_can_no_longer_be_written() {
    let home = Home::new();
    let running = about_to_find(&home, "--json out.json");
    fs::remove_dir(home.path("found")).unwrap();
    home.write("found", "in the way");
    let ran = running.end();
    ran.assert_code(1);
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("lockfuzz: cannot save found"), "{last}");
    assert!(!last.contains(".tmp"), "no names that the user never gave: {last}");
    // It is not lost: it is shown, if not saved.
    assert!(ran.out.contains("flag, threads: race, as expected"), "{}", ran.out);
    let row = json(&fs::read_to_string(home.path("out.json")).unwrap())["rows"][0].clone();
    assert_eq!((&row["found"], &row["counterexample"]), (&"race".into(), &Value::Null));
    home.assert_clean();
}

#[test]
fn the_folder_of_the_shared_file_is_removed_meanwhile() {
    let home = Home::new();
    let running = home.start(home.fuzz(&STEPPED.replace("flag,", "")));
    running.wait_for_case();
    // New files may come while it is emptied.
    while home.left().iter().any(|folder| fs::remove_dir_all(folder).is_err() && folder.exists()) {}
    let ran = running.end();
    ran.assert_code(1);
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("lockfuzz: ") && last.contains("No such file or directory"), "{last}");
    home.assert_clean();
}

/// The disk under the shared file fills up while a campaign runs.
#[test]
fn the_disk_fills_up_meanwhile() {
    for size in ["64k", "32k"] {
        let home = Home::new();
        let Some(mut command) = mounted(&home, &format!("size={size}")) else { return };
        let words = "--for 1h --lock flock --placement processes --faults none --workers 3 --json out.json";
        command.args([LOCKFUZZ, "fuzz", "--dir", "dir"]).args(words.split(' '));
        let running = home.start(command);
        running.wait_for_header();
        running.wait_for_workers(3);
        // Its file system is seen through its eyes.
        let inside =
            PathBuf::from(format!("/proc/{}/root{}", running.pid().as_raw_nonzero(), home.dir().display()));
        let mut fill = fs::File::create(inside.join("fill")).unwrap();
        // Until it ends: each case that is cleared away leaves room for another block.
        running.wait_for("full disk", || {
            for _ in 0..1000 {
                let _ = std::io::Write::write_all(&mut fill, &[0; 4096]);
            }
            running.err().contains("lockfuzz: ").then_some(())
        });
        let ran = running.end();
        ran.assert_code(1);
        let last = ran.err.lines().last().unwrap();
        assert!(last.contains("No space left on device (os error 28); make room there"), "{last}");
        assert_eq!(fs::read_to_string(home.path("left")).unwrap(), "fill\n");
        assert!(ran.out.contains("STOPPED"), "{}", ran.out);
        assert_eq!(json(&fs::read_to_string(home.path("out.json")).unwrap())["verdict"], "inconclusive");
        home.assert_clean();
    }
}
