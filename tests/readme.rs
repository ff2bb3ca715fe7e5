//! What the pages show is what the program does: every console block of README.md and doc/locks.md is
//! run, line by line, and compared.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// The contents of the fenced blocks of this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let starts = page.match_indices(&fence).map(|(at, _)| &page[at + fence.len()..]);
    starts.map(|rest| &rest[..rest.find("```").expect("a fence is closed")]).collect()
}

/// Each command of a console block with the output that follows it.
fn commands(block: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => *output += &format!("{line}\n"),
            (None, None) => panic!("a console block begins with a command, not with: {line}"),
        }
    }
    commands
}

/// Runs a command as a reader's shell would, in `folder`, after one that ended with `before`.
fn shell(folder: &Path, command: &str, before: i32) -> (String, i32) {
    let program = Path::new(env!("CARGO_BIN_EXE_lockfuzz")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let command = command.replace("cargo run --release --", "lockfuzz");
    let output = Command::new("sh")
        .arg0("sh")
        .args(["-c", &format!("(exit {before}); {command}")])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env_remove("PROPTEST_CASES")
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// A report without what differs from run to run and from machine to machine: the numbers of the
/// first lines up to the verdict's, and where the files lie. What it takes to break a lock of the zoo is
/// always the same; how many interleavings were tried for it stands before that.
fn masked(report: &str) -> String {
    let mut masked = String::new();
    let mut over = false;
    for line in report.lines() {
        let line = line.split(", files in ").next().unwrap();
        if over {
            masked += line;
        } else {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            let zoo = words.get(2).is_some_and(|word| ["none", "crash", "stall"].contains(word));
            let numbers = words.iter_mut().filter(|w| w.starts_with(|c: char| c.is_ascii_digit()));
            numbers.take(if zoo { 1 } else { usize::MAX }).for_each(|word| *word = "#");
            masked += &words.join(" ");
            over = line.starts_with("PASS");
        }
        masked.push('\n');
    }
    masked
}

#[test]
fn the_readme_shows_what_the_program_does() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("doc")).unwrap();
    let readme = page("README.md");
    let mut code = 0;
    let mut ran = Vec::new();
    for (command, expected) in blocks(&readme, "console").into_iter().flat_map(commands) {
        if command == "cargo test" {
            continue;
        }
        let seed = expected.split_once("seed ").map(|(_, rest)| rest.split([',', '\n']).next().unwrap());
        let seeded = seed.map_or(command.clone(), |seed| format!("{command} --seed {seed}"));
        let (shown, ended) = shell(folder.path(), &seeded, code);
        code = ended;
        if command.ends_with(" fuzz") {
            assert_eq!(masked(&shown), masked(&expected), "$ {command}");
        } else {
            assert_eq!(shown, expected, "$ {command}");
        }
        ran.push(command);
    }
    for begin in ["cargo run --release -- fuzz", "lockfuzz replay", "lockfuzz schedule", "echo"] {
        assert!(ran.iter().any(|command| command.starts_with(begin)), "no block shows: {begin}");
    }
    let (old, new) = (Path::new(ROOT).join("doc/overlap.svg"), folder.path().join("doc/overlap.svg"));
    let drawn = std::fs::read(new).unwrap();
    assert!(drawn == std::fs::read(old).unwrap(), "doc/overlap.svg is not what the command draws");
}

/// A run of a program without what the machine decides: where it lies, how fast it is, and how small a find gets in the time
/// there is. What is left is what was found, and why.
fn told(report: &str) -> Vec<String> {
    let kept = |line: &&str| {
        ["FAIL", "PASS", "law", "saved", "replay", "step  "].iter().any(|begin| line.starts_with(begin))
    };
    let words = |line: &str| {
        let line: String = line.chars().filter(|c| !c.is_ascii_digit()).collect();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    report.lines().filter(kept).map(words).collect()
}

/// Every example of doc/run.md.
#[test]
fn the_page_on_programs_shows_what_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(Path::new(ROOT).join("examples/run")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let run = page("doc/run.md");
    let mut code = 0;
    for (command, expected) in blocks(&run, "console").into_iter().flat_map(commands) {
        let run = command.starts_with("lockfuzz run");
        let seeded = if run { command.replace(" -- ", " --seed 7 -- ") } else { command.clone() };
        let (shown, ended) = shell(folder.path(), &seeded, code);
        code = ended;
        if run {
            assert_eq!(told(&shown), told(&expected), "$ {command}\n{shown}");
            assert_eq!(ended, if expected.contains("FAIL") { 100 } else { 0 }, "$ {command}\n{shown}");
            let first = expected.find("FAIL").map(|at| &expected[at..]);
            assert!(
                first.is_none_or(|first| page("README.md").contains(first)),
                "README.md shows another one"
            );
        } else {
            assert_eq!(shown, expected, "$ {command}");
        }
    }
}

#[test]
fn the_command_lines_that_are_not_run_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let readme = page("README.md");
    let lines: Vec<&str> = blocks(&readme, "sh").into_iter().flat_map(str::lines).collect();
    assert!(lines.iter().any(|line| line.contains("--engine realtime")));
    for line in lines {
        let (_, code) = shell(folder.path(), &format!("{line} --help"), 0);
        assert_eq!(code, 0, "{line}");
    }
}

/// What is shown of a lock of one's own is a test of the example.
#[test]
fn the_rust_of_the_readme_is_the_example_s() {
    let tests = page("examples/diskcache/tests/lock.rs");
    let readme = page("README.md");
    let blocks = blocks(&readme, "rust");
    assert_eq!(blocks.len(), 1);
    for block in blocks {
        assert!(tests.contains(block), "this is nowhere in the example:\n{block}");
    }
}

#[test]
fn the_page_on_locks_shows_the_list() {
    let page = page("doc/locks.md");
    let folder = tempfile::tempdir().unwrap();
    let shown: Vec<_> = blocks(&page, "console").into_iter().flat_map(commands).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!(shell(folder.path(), &shown[0].0, 0), (shown[0].1.clone(), 0));
    for double in lockfuzz::lock::ALL {
        assert!(page.contains(&format!("\n## {}\n", double.name)), "{} has no section", double.name);
    }
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    use lockfuzz::cli::Exit;
    let readme = page("README.md");
    let table = readme.split("## Exit codes").nth(1).unwrap().split("\n## ").next().unwrap();
    let listed: Vec<i32> =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    let all = [
        Exit::Expected,
        Exit::Broken,
        Exit::Usage,
        Exit::Nothing,
        Exit::Inconclusive,
        Exit::Failed,
        Exit::Interrupted,
    ];
    assert_eq!(listed, all.map(|exit| exit as i32));
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    let mut pages = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    for entry in std::fs::read_dir(Path::new(ROOT).join("doc")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            pages.push(format!("doc/{name}"));
        }
    }
    for name in pages {
        let folder = Path::new(ROOT).join(&name);
        let text = page(&name);
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let file = target.split('#').next().unwrap();
            let there = target.starts_with("https://") || folder.parent().unwrap().join(file).exists();
            assert!(there, "{name} links to {target}");
        }
    }
}

#[test]
fn the_table_of_lockbench_is_the_one_that_was_measured() {
    let mut print = Command::new("python3");
    print.args(["lockbench/run", "--json", "lockbench/table.json", "--print"]).current_dir(ROOT);
    match print.output() {
        Ok(said) => {
            let table = String::from_utf8(said.stdout).unwrap();
            assert!(table.lines().count() > 40, "{table}{}", String::from_utf8_lossy(&said.stderr));
            assert!(page("lockbench/README.md").contains(&table), "the page does not have\n{table}");
        }
        Err(why) => eprintln!("skipped, as there is no python3: {why}"),
    }
}

/// The rows that README.md has of it say the same.
#[test]
fn the_tables_of_real_locks_are_of_lockbench() {
    let table: serde_json::Value = serde_json::from_str(&page("lockbench/table.json")).unwrap();
    let rows = table["rows"].as_array().unwrap();
    let number = |of: &serde_json::Value| thousands(of.as_u64().unwrap());
    let readme = page("README.md");
    let mut told = 0;
    for line in readme.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`'])).collect();
        let Some(row) = rows.iter().find(|row| row["lock"] == cells[0]) else { continue };
        let free = match row["free_starts"].as_u64() {
            Some(0) | None => "-".to_owned(),
            Some(_) => format!("{}/{}", number(&row["free_violations"]), number(&row["free_starts"])),
        };
        let mut expected = vec![row["version"].as_str().unwrap().to_owned(), number(&row["workers"])];
        if row["expected"] == "race" {
            assert_eq!((row["seeds_found"].as_u64(), row["seeds"].as_u64()), (Some(20), Some(20)), "{row}");
            expected.push(format!("{:.1}", row["first"].as_f64().unwrap()));
        } else {
            let asked = row["measured"]["search"]["asked"].as_str().unwrap();
            let schedules = asked.strip_suffix(" schedules").unwrap().parse().unwrap();
            expected.push(thousands(schedules));
            expected.push(row["proven"].as_str().unwrap_or("-").to_owned());
        }
        expected.push(free);
        assert_eq!(cells[2..], expected, "{line}");
        assert_eq!(row["found"], row["expected"], "{line}");
        told += 1;
    }
    assert!(told > 15, "only {told} rows");
}

fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}
