//! The program as a user sees it: what it prints, writes, and returns.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::ROWS;
use support::program::{Home, LOCKFUZZ, Ran, json as parsed, run};

/// `lockfuzz` with these words, to its end.
fn lockfuzz(words: &str) -> Ran {
    run(Home::new().lockfuzz(words.split_whitespace()))
}

const AS_GENERATED: &str = "\
0.0000	[(1, 'write')]
2.0000	[(2, 'write')]
4.0000	[(1, 'read'), (3, 'write')]
6.0000	[(2, 'read'), (4, 'write')]
8.0000	[(3, 'read'), (5, 'write')]
10.0000	[(4, 'read')]
12.0000	[(5, 'read')]
";

#[test]
fn the_seed_table_byte_for_byte() {
    for words in ["schedule --workers 5 --period 2.0", "schedule", "schedule --order force-read"] {
        let ran = lockfuzz(words);
        ran.assert_code(0);
        assert_eq!((&*ran.out, &*ran.err), (AS_GENERATED, ""), "{words}");
    }
    let force_write = AS_GENERATED
        .replace("(1, 'read'), (3, 'write')", "(3, 'write'), (1, 'read')")
        .replace("(2, 'read'), (4, 'write')", "(4, 'write'), (2, 'read')")
        .replace("(3, 'read'), (5, 'write')", "(5, 'write'), (3, 'read')");
    assert_eq!(lockfuzz("schedule --order force-write").out, force_write);
}

#[test]
fn times_are_whole_multiples_of_the_period() {
    let table = lockfuzz("schedule --workers 64 --period 0.1").out;
    assert_eq!(table.lines().count(), 66);
    for (nth, line) in table.lines().enumerate() {
        let (time, _) = line.split_once('\t').unwrap();
        assert_eq!(time, format!("{}.{}000", nth / 10, nth % 10));
    }
    assert_eq!(lockfuzz("schedule --workers 1").out, "0.0000\t[(1, 'write')]\n4.0000\t[(1, 'read')]\n");
}

#[test]
fn a_schedule_as_json_is_the_same_schedule() {
    for (workers, order) in
        [(1, "as-generated"), (5, "force-write"), (16, "force-read"), (64, "as-generated")]
    {
        let words = format!("schedule --workers {workers} --period 0.3 --order {order}");
        let (text, saved) = (lockfuzz(&words).out, lockfuzz(&format!("{words} --json")).out);
        let schedule: lockfuzz::schedule::Schedule = serde_json::from_str(&saved).unwrap();
        assert_eq!(schedule.to_string(), text);
        assert_eq!(text.parse::<lockfuzz::schedule::Schedule>().unwrap(), schedule);
        let written = text.matches("write").count();
        assert_eq!((written, text.matches("read").count()), (workers, workers));
    }
}

#[test]
fn locks_lists_what_each_promises() {
    let ran = lockfuzz("locks");
    ran.assert_code(0);
    let columns =
        |line: &str| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).map(String::from).collect();
    let rows: Vec<Vec<String>> = ran.out.lines().map(columns).collect();
    let row = |name| rows.iter().find(|row| row[0] == name).unwrap();
    for (name, expected, promise) in [
        ("flag", ["race", "race", "race"], "excludes nobody"),
        ("mutex", ["no race", "race", "race"], "excludes the threads of one"),
        ("semaphore", ["no race", "no race", "no race"], "excludes everyone"),
        ("fcntl-close", ["no race", "no race", "race"], "excludes the threads of one"),
    ] {
        assert_eq!(row(name)[1..4], expected, "{name}");
        assert!(row(name)[4..].join(" ").contains(promise), "{name}");
    }
}

/// The lines of stdout that are too long for a terminal, but for paths and commands to copy.
fn too_long(text: &str) -> Vec<&str> {
    let copied = |line: &&str| line.starts_with("saved") || line.starts_with("replay");
    text.lines().filter(|line| line.chars().count() > 80 && !copied(line)).collect()
}

#[test]
fn fuzz_runs_the_whole_experiment() {
    let home = Home::new();
    let ran = run(home.fuzz("--seed 7311 --cases 64"));
    ran.assert_code(0);
    let header = ran.out.split("\n\n").next().unwrap().replace('\n', " ");
    assert!(header.starts_with("stepped engine, up to 64 cases a row, seed 7311, files in "), "{header}");
    assert!(header.contains(home.dir().to_str().unwrap()), "{header}");
    for row in [
        "flag       threads    race      race  ",
        "flag       processes  race      race  ",
        "mutex      threads    no race   no race  ",
        "mutex      processes  race      race  ",
        "semaphore  threads    no race   no race  ",
        "semaphore  processes  no race   no race  ",
        "flock      threads    no race   no race  ",
        "flock      processes  no race   no race  ",
    ] {
        assert_eq!(ran.out.lines().filter(|line| line.starts_with(row)).count(), 1, "{row:?} in {}", ran.out);
    }
    assert!(ran.out.contains(&format!("\nPASS  {ROWS} of {ROWS} rows as expected, ")), "{}", ran.out);
    assert!(ran.out.contains("\nmutex, processes: race, as expected"), "{}", ran.out);
    assert!(ran.out.contains("smallest case: 2 workers, 4 commands"), "{}", ran.out);
    assert!(
        ran.out.ends_with("\nreplay  lockfuzz replay lockfuzz-found/mutex-processes.json\n"),
        "{}",
        ran.out
    );
    assert_eq!(too_long(&ran.out), [""; 0]);
    assert!(!(ran.out + &ran.err).contains('\x1b'), "no colour without a terminal");
    home.assert_clean();
}

#[test]
fn progress_is_plain_lines_without_a_terminal_and_none_when_quiet() {
    let home = Home::new();
    let ran = run(home.fuzz("--lock flock --cases 20"));
    let mut lines: Vec<&str> = ran.err.lines().collect();
    lines.sort();
    let mut all = vec!["flock, processes, as generated, crash: no race (20 cases)".to_owned()];
    for placement in ["processes", "threads"] {
        for order in ["as generated", "force read", "force write"] {
            all.push(format!("flock, {placement}, {order}: no race (20 cases)"));
        }
    }
    all.sort();
    assert_eq!(lines, all);
    let quiet = run(home.fuzz("--lock flock --cases 20 --quiet"));
    assert_eq!((quiet.code, &*quiet.err), (0, ""));
    assert!(quiet.out.starts_with("PASS  7 of 7 rows") && quiet.out.lines().count() == 1, "{}", quiet.out);
}

#[test]
fn exit_codes_say_how_it_went_and_the_json_says_the_same() {
    let home = Home::new();
    let went = |words: &str| {
        let ran = run(home.fuzz(&format!("{words} --cases 20 --json -")));
        (ran.code, parsed(&ran.out)["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(went("--lock flock,flag"), (0, "pass".to_owned()));
    // Hardly any time: nothing ran, or hardly anything.
    let ran = run(home.fuzz("--for 0.000001ms --lock flock --json -"));
    let document = parsed(&ran.out);
    let cases: u64 =
        document["rows"].as_array().unwrap().iter().map(|row| row["cases"].as_u64().unwrap()).sum();
    assert_eq!((ran.code, &document["verdict"]), (if cases == 0 { 4 } else { 5 }, &"inconclusive".into()));
    assert_eq!(went("--workers 1 --lock flock"), (5, "inconclusive".to_owned()), "nobody to exclude");
    assert_eq!(went("--workers 1 --lock flag"), (5, "inconclusive".to_owned()), "an expected race not found");
    home.assert_clean();
}

/// A lock that is broken from outside.
#[test]
fn a_broken_claim_is_100_and_one_block_says_all_of_it() {
    let home = Home::new();
    let Some(broken) = home.broken_flock() else { return };
    let fuzz = |words: &str| {
        let mut command = home.fuzz(words);
        run_with(command.env("LD_PRELOAD", &broken))
    };
    let words = "--lock flock --seed 5 --junit report.xml --json report.json";
    let ran = fuzz(words);
    ran.assert_code(100);
    let document = parsed(&fs::read_to_string(home.path("report.json")).unwrap());
    assert_eq!(document["verdict"], "fail");
    for row in document["rows"].as_array().unwrap() {
        assert_eq!([&row["expected"], &row["found"]], ["no race", "race"]);
    }
    let blocks: Vec<&str> = ran.out.split("\nFAIL  flock, ").skip(1).collect();
    assert!(!blocks.is_empty(), "{}", ran.out);
    for block in blocks {
        let text = block.split_whitespace().collect::<Vec<&str>>().join(" ");
        for part in [
            "found in case ",
            "seed 5",
            "shrunk to 2 workers",
            "replayed 10 times: 10 fail",
            "cause ",
            "saved ",
        ] {
            assert!(text.contains(part), "{part:?} in {block}");
        }
        assert!(text.contains("replay lockfuzz replay lockfuzz-found/flock-"), "{block}");
    }
    assert_eq!(too_long(&ran.out), [""; 0]);
    let report = junit(&home.path("report.xml"));
    assert_eq!((report.tests, report.failures), (7, 7), "six rows in order, one with a crash");
    assert!(fuzz(&format!("{words} --quiet")).out.contains("\nFAIL  flock, "), "quiet is not silent");
    // Where flock works, it is no longer seen.
    let replayed = run(home.lockfuzz(["replay", "lockfuzz-found/flock-processes.json"]));
    replayed.assert_code(0);
    assert!(replayed.out.contains("no longer seen"), "{}", replayed.out);
    home.assert_clean();
}

fn run_with(command: &mut Command) -> Ran {
    Ran::from(command.output().unwrap())
}

#[test]
fn the_json_has_every_field_of_the_format() {
    let home = Home::new();
    let ran = run(home.fuzz("--seed 18446744073709551615 --cases 10 --json out.json"));
    ran.assert_code(0);
    assert!(ran.out.contains("PASS"), "to a file it is written besides the report");
    let document = parsed(&fs::read_to_string(home.path("out.json")).unwrap());
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&document), ["engine", "format", "rows", "seed", "verdict"]);
    assert_eq!(document["format"], "lockfuzz/campaign/1");
    assert_eq!(document["seed"], u64::MAX);
    assert_eq!(document["engine"], "stepped");
    assert_eq!(document["verdict"], "pass");
    let rows = document["rows"].as_array().unwrap();
    let mut seen = Vec::new();
    for row in rows {
        let word = |key: &str| row[key].as_str().unwrap().to_owned();
        for key in [
            "lock",
            "placement",
            "order",
            "faults",
            "expected",
            "found",
            "cases",
            "seconds",
            "counterexample",
        ] {
            assert!(row.get(key).is_some(), "{key} in {row}");
        }
        seen.push((word("lock"), word("placement"), word("order")));
        assert_eq!(word("expected"), word("found"));
        assert!(row["seconds"].as_f64().unwrap() >= 0.0);
        assert_eq!(row["counterexample"].is_null(), word("found") == "no race", "{row}");
        if !row["counterexample"].is_null() {
            assert!(row["cases"].as_u64().unwrap() >= 1, "{row}");
            let saved = parsed(&fs::read_to_string(home.path(word("counterexample"))).unwrap());
            assert_eq!(keys(&saved)[..3], ["case", "engine", "format"]);
            let format = if saved["case"]["choices"].is_null() { 1 } else { 2 };
            assert_eq!(saved["format"], format!("lockfuzz/counterexample/{format}"));
            let mut keys_of_case = keys(&saved["case"]);
            // What is interleaved has its choices beside the schedule, and the faults if there are any.
            keys_of_case.retain(|key| key != "choices" && key != "faults");
            assert_eq!(saved["case"]["faults"].is_null(), row["faults"] == "none", "{row}");
            assert_eq!(keys_of_case, ["lock", "order", "placement", "schedule", "scope", "workers"]);
            assert_eq!(
                [&saved["case"]["lock"], &saved["case"]["placement"]],
                [&row["lock"], &row["placement"]]
            );
            assert_eq!(keys(&saved["case"]["schedule"][0]), ["at", "commands"]);
            assert_eq!(saved["case"]["schedule"][0]["at"], 0.0);
            assert_eq!(saved["case"]["schedule"][0]["commands"][0], json!([1, "write"]));
            // Who is killed and who waits for ever have less to tell than two who read back.
            let least = if word("found") == "race" { 9 } else { 4 };
            assert!(saved["history"].as_array().unwrap().len() >= least, "{row}");
            assert_eq!(saved["verdict"]["verdict"], "fail");
        } else {
            // Interleavings are four times as many.
            assert!(row["cases"] == 10 || row["cases"] == 40, "{row}");
        }
    }
    let mut expected = Vec::new();
    for lock in ["flag", "mutex", "semaphore", "flock"] {
        for placement in ["threads", "processes"] {
            for order in ["as-generated", "force-write", "force-read"] {
                expected.push((lock.to_owned(), placement.to_owned(), order.to_owned()));
            }
        }
    }
    // Then the zoo, which has no ticks to sort.
    let (experiment, zoo) = seen.split_at(expected.len());
    assert_eq!(experiment, expected);
    assert_eq!(zoo.len(), ROWS - expected.len());
    assert!(zoo.iter().all(|(_, _, order)| order == "as-generated"), "{zoo:?}");
}

#[test]
fn json_on_standard_output_is_alone_there() {
    let home = Home::new();
    for words in ["--json -", "--json - --quiet", "--json - --show all --color always"] {
        let ran = run(home.fuzz(&format!("--lock flag --cases 3 {words}")));
        ran.assert_code(0);
        assert_eq!(parsed(&ran.out)["rows"].as_array().unwrap().len(), 6);
    }
    // A file that was longer before is cut.
    home.write("out.json", "x".repeat(100_000));
    run(home.fuzz("--lock flag --json out.json")).assert_code(0);
    parsed(&fs::read_to_string(home.path("out.json")).unwrap());
}

fn junit(path: &Path) -> quick_junit::Report {
    quick_junit::Report::deserialize_from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn junit_has_a_test_case_for_each_row() {
    let home = Home::new();
    run(home.fuzz("--seed 5 --cases 16 --junit out.xml")).assert_code(0);
    let report = junit(&home.path("out.xml"));
    assert_eq!((report.tests, report.failures, report.errors), (ROWS, 0, 0));
    let names = report.test_suites[0].test_cases.iter();
    assert!(names.clone().any(|case| case.classname.as_deref() == Some("lockfuzz.flock")));
    // One that cannot be told is an error, so that no build is green on it.
    run(home.fuzz("--cases 10 --workers 1 --lock flock --junit out.xml")).assert_code(5);
    let report = junit(&home.path("out.xml"));
    // The row with a crash is interleaved, and has as many workers as it takes.
    assert_eq!((report.tests, report.failures, report.errors), (7, 0, 6));
}

#[test]
fn the_same_seed_gives_the_same_campaign() {
    let home = Home::new();
    let campaign = |save: &str, more: &str| {
        let ran = run(home.fuzz(&format!("--seed 99 --cases 24 --save {save} --json - --lock {more}")));
        let mut rows = parsed(&ran.out)["rows"].as_array().unwrap().clone();
        for row in &mut rows {
            row["seconds"] = Value::Null;
            if let Some(path) = row["counterexample"].as_str() {
                let mut saved = parsed(&fs::read_to_string(home.path(path)).unwrap());
                // The three orders share a file, and the first of them leaves the note.
                saved["note"] = Value::Null;
                row["counterexample"] = saved;
            }
        }
        rows
    };
    const LOCKS: &str = "flag,mutex,flock,exists-create,pid-stale,flock-unlink,lease,semaphore";
    let once = campaign("once", LOCKS);
    assert!(once == campaign("again", LOCKS));
    assert!(once == campaign("one", &format!("{LOCKS} --jobs 1")), "nor does it matter who does it");
    assert!(once[..6] == campaign("part", "flag"), "nor which other rows there are");
}

#[test]
fn a_seed_is_made_up_and_said_and_can_be_given_again() {
    let home = Home::new();
    let ran = run(home.fuzz("--lock flag"));
    let (_, rest) = ran.out.split_once("seed ").unwrap();
    let seed: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let again = run(home.fuzz(&format!("--lock flag --seed {seed}")));
    assert!(again.out.contains(&format!("seed {seed}, ")), "{}", again.out);
}

#[test]
fn a_save_is_never_over_a_different_case() {
    let home = Home::new();
    fs::create_dir(home.path("kept")).unwrap();
    let stranger = home.write("kept/flag-threads.json", "a note of mine\n");
    let ran = run(home.fuzz("--lock flag --placement threads --save kept"));
    ran.assert_code(0);
    assert!(ran.out.contains("lockfuzz replay kept/flag-threads-2.json"), "{}", ran.out);
    assert_eq!(fs::read_to_string(stranger).unwrap(), "a note of mine\n");
    // The same case again is the same file.
    run(home.fuzz("--lock flag --placement threads --save kept")).assert_code(0);
    assert_eq!(fs::read_dir(home.path("kept")).unwrap().count(), 2);
    // What is saved is what was found, also deep in folders that were not there.
    run(home.fuzz("--lock flag --placement threads --save a/b/c")).assert_code(0);
    let [old, new] = ["kept/flag-threads-2.json", "a/b/c/flag-threads.json"].map(|path| {
        let saved = parsed(&fs::read_to_string(home.path(path)).unwrap());
        (saved["case"].clone(), saved["history"].clone())
    });
    assert_eq!(old, new);
}

#[test]
fn a_counterexample_is_seen_again_a_thousand_times() {
    let home = Home::new();
    run(home.fuzz("--seed 1 --lock flag,mutex")).assert_code(0);
    for name in ["flag-threads", "flag-processes", "mutex-processes"] {
        let path = home.path(format!("lockfuzz-found/{name}.json"));
        let ran =
            run_with(home.lockfuzz(["replay"]).arg(&path).args(["--times", "1000", "--dir"]).arg(home.dir()));
        ran.assert_code(100);
        let last = ran.out.lines().last().unwrap();
        assert_eq!(last, "replay  seen again, 1,000 times of 1,000, the same step for step");
        assert!(ran.out.contains("WRONG"), "{}", ran.out);
        assert_eq!((too_long(&ran.out), &*ran.err), (vec![], ""));
    }
    home.assert_clean();
}

#[test]
fn a_case_on_a_sound_lock_is_no_longer_seen() {
    let home = Home::new();
    for (lock, placement, code, words) in [
        ("flock", "threads", 0, "no longer seen, 0 times of 50"),
        ("flock", "processes", 0, "no longer seen, 0 times of 50"),
        ("semaphore", "processes", 0, "no longer seen, 0 times of 50"),
        ("mutex", "threads", 0, "no longer seen, 0 times of 50"),
        (
            "mutex",
            "processes",
            100,
            "seen again, 50 times of 50, but the steps are not those that were saved",
        ),
    ] {
        let path = home.case(lock, placement);
        let ran = run_with(home.lockfuzz(["replay", "--times", "50"]).arg(path));
        ran.assert_code(code);
        assert_eq!(ran.out.lines().last().unwrap(), format!("replay  {words}"));
    }
}

#[test]
fn what_is_found_on_a_real_clock_is_replayed_there() {
    let home = Home::new();
    let words = "--engine realtime --lock flag --placement processes --order force-write --workers 2";
    run(home.fuzz(&format!("{words} --period 0.1 --cases 1"))).assert_code(0);
    let ran = run(home.lockfuzz(["replay", "lockfuzz-found/flag-processes.json", "--times", "3"]));
    ran.assert_code(100);
    assert!(
        ran.out.starts_with("flag, processes: race, as expected\n      realtime engine, "),
        "{}",
        ran.out
    );
    assert!(ran.out.ends_with("replay  seen again, 3 times of 3\n"), "{}", ran.out);
    home.assert_clean();
}

#[test]
fn a_plot_goes_to_a_file_or_to_standard_output() {
    let home = Home::new();
    run(home.fuzz("--lock flag")).assert_code(0);
    let found = "lockfuzz-found/flag-processes.json";
    let printed = run(home.lockfuzz(["plot", found]));
    printed.assert_code(0);
    assert!(
        printed.out.starts_with("<svg ") && printed.out.trim_end().ends_with("</svg>"),
        "{}",
        printed.out
    );
    let silent = run(home.lockfuzz(["plot", found, "-o", "overlap.svg"]));
    assert_eq!((silent.code, &*silent.out, &*silent.err), (0, "", ""));
    assert_eq!(fs::read_to_string(home.path("overlap.svg")).unwrap(), printed.out);
}

#[test]
fn a_schedule_is_plotted_from_a_file_or_from_standard_input() {
    let home = Home::new();
    let schedule = run(home.lockfuzz(["schedule", "--workers", "16", "--json"])).out;
    let path = home.write("schedule.json", &schedule);
    let from_file = run_with(home.lockfuzz(["plot"]).arg(&path));
    from_file.assert_code(0);
    let stdin = fs::File::open(path).unwrap();
    let from_stdin = run_with(home.lockfuzz(["plot", "-"]).stdin(stdin));
    from_stdin.assert_code(0);
    assert!(from_file.out.contains("<svg ") && from_file.out == from_stdin.out);
    assert!(from_file.out.contains("worker 16"), "a lane for everybody");
    let flock = run(home.lockfuzz(["plot", "schedule.json", "--lock", "flock"]));
    flock.assert_code(0);
    assert_ne!(flock.out, from_file.out);
}

#[test]
fn colour_only_where_it_is_wanted() {
    let home = Home::new();
    let coloured = |words: &str, no_color: Option<&str>| {
        let mut command = home.fuzz(&format!("--lock flag --cases 2 {words}"));
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        run(command).out.contains('\x1b')
    };
    assert!(coloured("--color always", None));
    assert!(coloured("--color always", Some("1")), "what was asked for counts more");
    assert!(!coloured("--color never", None));
    assert!(!coloured("--color auto", None));
    assert!(!coloured("", None));
}

/// On a terminal: script(1) lends one.
#[test]
fn a_terminal_gets_colour_and_a_bar_unless_no_color_says_otherwise() {
    let home = Home::new();
    let on_terminal = |no_color: &str| {
        let words = format!("{LOCKFUZZ} fuzz --lock flag --cases 2 --dir {}", home.dir().display());
        let mut script = home.command("script");
        script.args(["-qec", &words, "/dev/null"]).env("NO_COLOR", no_color).env("TERM", "xterm");
        script.stdin(Stdio::null()).output()
    };
    let Ok(plain) = on_terminal("1") else { return eprintln!("skipped, as there is no script(1)") };
    let [plain, coloured] = [plain, on_terminal("").unwrap()].map(Ran::from);
    assert!(coloured.out.contains("\x1b[32m") && coloured.out.contains("PASS"), "{}", coloured.out);
    assert!(plain.out.contains("PASS") && !plain.out.contains("\x1b[32m"), "{}", plain.out);
    assert!(!plain.out.contains("race (2 cases)"), "a bar in the place of lines: {}", plain.out);
}

#[test]
fn all_counterexamples_are_shown_when_asked_for() {
    let home = Home::new();
    let ran = run(home.fuzz("--show all --lock flag,mutex,flock"));
    for title in ["flag, threads: race", "flag, processes: race", "mutex, processes: race"] {
        assert!(ran.out.contains(&format!("\n{title}, as expected")), "{title} in {}", ran.out);
    }
    assert_eq!(too_long(&ran.out), [""; 0]);
}

#[test]
fn only_what_was_asked_for_is_run() {
    let home = Home::new();
    let words =
        "--lock mutex,flock --placement processes --order force-read --scope transaction --workers 3..=4";
    let ran = run(home.fuzz(&format!("{words} --cases 30 --json -")));
    ran.assert_code(0);
    let document = parsed(&ran.out);
    let rows: Vec<[&Value; 3]> = document["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| [&r["lock"], &r["placement"], &r["order"]])
        .collect();
    assert_eq!(rows, [["mutex", "processes", "force-read"], ["flock", "processes", "force-read"]]);
    let saved = parsed(&fs::read_to_string(home.path("lockfuzz-found/mutex-processes.json")).unwrap());
    assert_eq!(saved["case"]["scope"], "transaction");
}

/// Without a preemption nobody breaks this lock, and with two everybody does, whoever chooses.
#[test]
fn the_search_is_what_was_asked_for() {
    let home = Home::new();
    let lock = "--lock exists-create --placement threads --seed 1 --cases 100";
    let without = run(home.fuzz(&format!("{lock} --scheduler random --preemptions 0")));
    without.assert_code(5);
    assert!(without.out.contains("a race was expected and not found"), "{}", without.out);
    for scheduler in ["random", "pct", "pos", "surw", "race", "unmet", "mixed"] {
        run(home.fuzz(&format!("{lock} --scheduler {scheduler} --preemptions 2"))).assert_code(0);
    }
    let header = |words: &str| {
        let ran = run(home.fuzz(&format!("{lock} {words}")));
        ran.assert_code(0);
        ran.out.split("\n\n").next().unwrap().replace('\n', " ")
    };
    let usual = header("--scheduler mixed --depth 3");
    assert!(!usual.contains("scheduler"), "{usual}");
    let another = header("--scheduler pct --depth 4 --preemptions 9");
    assert!(another.contains(", scheduler pct of depth 4, at most 9 preemptions, seed 1, "), "{another}");
}

#[test]
fn the_number_of_cases_comes_from_proptest_too() {
    let home = Home::new();
    let cases = |words: &str| {
        let mut command = home.fuzz(&format!("--lock flock --placement threads --json - {words}"));
        let ran = run_with(command.env("PROPTEST_CASES", "17"));
        parsed(&ran.out)["rows"][0]["cases"].as_u64().unwrap()
    };
    assert_eq!(cases(""), 17);
    assert_eq!(cases("--cases 5"), 5, "what is said here counts more");
}

#[test]
fn folders_may_have_any_name() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new();
    for name in [&b"with  two spaces"[..], b"not \xff UTF-8", b"it's", b"-"] {
        let name = std::ffi::OsStr::from_bytes(name);
        let folder = home.dir().join(name);
        fs::create_dir(&folder).unwrap();
        let mut command = home.lockfuzz(["fuzz", "--lock", "flag,flock", "--cases", "20", "--dir"]);
        let ran = run_with(command.arg(&folder).arg("--save").arg(folder.join("found")));
        ran.assert_code(0);
        let left: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(left, [folder.join("found")]);
        assert_eq!(fs::read_dir(folder.join("found")).unwrap().count(), 2, "{name:?}");
        if let Some((_, replay)) = ran.out.rsplit_once("\nreplay  lockfuzz ")
            && name.to_str().is_some()
        {
            let mut shell = home.command("sh");
            let replayed = run_with(shell.args(["-c", &format!("{LOCKFUZZ} {replay}")]));
            assert_eq!(replayed.code, 100, "{replay} {}", replayed.err);
        }
        fs::remove_dir_all(folder).unwrap();
    }
    home.assert_clean();
}

#[test]
fn help_names_the_verbs_and_the_exit_codes() {
    let ran = lockfuzz("--help");
    ran.assert_code(0);
    for part in ["fuzz", "run", "replay", "plot", "schedule", "locks", "Exit codes: 0 "] {
        assert!(ran.out.contains(part), "{part}");
    }
    assert!(!ran.out.contains("guard"), "not for users");
    assert_eq!(lockfuzz("--version").out, concat!("lockfuzz ", env!("CARGO_PKG_VERSION"), "\n"));
    lockfuzz("").assert_code(2);
}

/// Every committed counterexample can be told in sentences, those in order and those with choices.
#[test]
fn a_counterexample_is_told_in_sentences() {
    let home = Home::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("proptest-regressions");
    let mut told = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let ran = run_with(home.lockfuzz(["explain"]).arg(&path));
        ran.assert_code(0);
        let label = |label: &str| ran.out.lines().any(|line| line.starts_with(&format!("{label:<8}")));
        assert!(label("law") && label("remedy") && label("replay"), "{}", ran.out);
        assert!(
            ran.out.contains("   1. in tick 0 worker 1 ") && ran.out.contains(": WRONG\n"),
            "{}",
            ran.out
        );
        told += 1;
    }
    assert!(told >= 3, "{told}");

    run(home.fuzz("--lock exists-create --placement threads --seed 5")).assert_code(0);
    let path = "lockfuzz-found/exists-create-threads.json";
    let explained = run(home.lockfuzz(["explain", path]));
    explained.assert_code(0);
    assert_eq!(too_long(&explained.out), [""; 0]);
    for part in ["\n   1. worker ", "goes on.)\n", "the other way round", "O_EXCL", "two inside at once"] {
        assert!(explained.out.contains(part), "{part:?} in {}", explained.out);
    }
    let replayed = run(home.lockfuzz(["replay", path]));
    let cause = |out: &str| out.split("\ncause ").nth(1).unwrap().split("(tried)").next().unwrap().to_owned();
    assert_eq!(cause(&replayed.out), cause(&explained.out), "tried anew, with the same result");
    let plain = fs::read_to_string(home.path(path))
        .unwrap()
        .replace("\"verdict\": \"fail\"", "\"verdict\": \"none\"");
    fs::write(home.path("other.json"), plain).unwrap();
    run(home.lockfuzz(["explain", "other.json"])).assert_code(2);
    home.assert_clean();
}
