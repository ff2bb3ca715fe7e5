//! What two starts of the same program differ in.

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::sys::original::Held;

/// What a program may keep below its stack (x86-64; others keep nothing there).
const RED_ZONE: u64 = 128;
/// So many differences are looked at before it is plain that there is no end to them.
const MOST: usize = 64;
const PIECE: usize = 1 << 18;

/// A part of a program's memory.
#[derive(Debug, PartialEq, Eq)]
struct Region {
    at: Range<u64>,
    rights: String,
    path: String,
}

/// Where both hold their own pids.
///
/// # Errors
/// In words, what else they differ in, or what keeps the second one from being copied.
pub(super) fn compare(
    one: &Held,
    two: &Held,
    is_watched: impl Fn(&Path) -> bool,
) -> Result<Vec<u64>, String> {
    let (regions, others) = (regions(one.pid()), regions(two.pid()));
    let chance = || "it starts otherwise each time".to_owned();
    if regions.is_empty() || regions != others {
        return Err(chance());
    }
    let [registers, twins] = [one, two].map(|held| held.stopped().registers());
    let (Ok(registers), Ok(twins)) = (registers, twins) else { return Err(chance()) };
    if !registers.is_same(&twins) {
        return Err(chance());
    }
    let stack = registers.stack();
    // The kernel says there on which core it runs, and does so anew whenever it goes on.
    let kernels = two.stopped().restartable();
    let mut pids = Vec::new();
    for region in &regions {
        if is_watched(Path::new(&region.path)) {
            return Err(format!("it has {} mapped before its first point", region.path));
        }
        let is = |right: char| region.rights.contains(right);
        if is('s') && is('w') {
            return Err("it shares memory before its first point".to_owned());
        }
        // The kernel's own pages cannot be read, and are the same.
        if !is('r') || is('s') || region.path.starts_with("[v") {
            continue;
        }
        let mut from = region.at.start;
        if region.at.contains(&stack) {
            from = from.max((stack - RED_ZONE) & !7);
        }
        differences(one, two, region, from, &kernels, &mut pids).ok_or_else(chance)?;
    }
    if is_partly_inherited(two.pid()) {
        return Err("it has memory that no copy inherits".to_owned());
    }
    Ok(pids)
}

fn differences(
    one: &Held,
    two: &Held,
    region: &Region,
    from: u64,
    kernels: &Range<u64>,
    pids: &mut Vec<u64>,
) -> Option<()> {
    // It measures for how long it works, which it tells to nobody who has not asked by LD_DEBUG.
    let loader = region.path.rsplit('/').next().is_some_and(|name| name.starts_with("ld-linux"));
    let mut pieces = [vec![0; PIECE], vec![0; PIECE]];
    let mut from = from;
    while from < region.at.end {
        let length = PIECE.min((region.at.end - from) as usize);
        let [first, second] = &mut pieces;
        let read = [(one, first), (two, second)]
            .map(|(held, piece)| held.stopped().read(from, &mut piece[..length]));
        if read.iter().any(Result::is_err) {
            // Behind the end of a mapped file there is nothing, for neither of them.
            return read.iter().all(Result::is_err).then_some(());
        }
        if pieces[0][..length] != pieces[1][..length] {
            for nth in (0..length).step_by(4) {
                let [mine, yours] = [&pieces[0], &pieces[1]].map(|piece| &piece[nth..(nth + 4).min(length)]);
                if mine == yours {
                    continue;
                }
                let is_pid = mine == one.pid().to_ne_bytes() && yours == two.pid().to_ne_bytes();
                if !is_pid && (loader || kernels.contains(&(from + nth as u64))) {
                    continue;
                }
                if !is_pid || pids.len() == MOST {
                    return None;
                }
                pids.push(from + nth as u64);
            }
        }
        from += length as u64;
    }
    Some(())
}

fn regions(pid: i32) -> Vec<Region> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let region = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let address = |text| u64::from_str_radix(text, 16).ok();
        let rights = words.next()?.to_owned();
        // The path is last, and may have spaces.
        let path = line.splitn(6, ' ').nth(5).unwrap_or_default().trim().to_owned();
        Some(Region { at: address(start)?..address(end)?, rights, path })
    };
    maps.lines().filter_map(region).collect()
}

/// Has it memory that a copy would lack (MADV_DONTFORK), or find empty (MADV_WIPEONFORK)?
fn is_partly_inherited(pid: i32) -> bool {
    let Ok(maps) = fs::read_to_string(format!("/proc/{pid}/smaps")) else { return true };
    let mut flags = maps.lines().filter_map(|line| line.strip_prefix("VmFlags:"));
    flags.any(|flags| flags.split(' ').any(|flag| flag == "dc" || flag == "wf"))
}
