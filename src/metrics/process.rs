//! What the process itself takes, as the kernel tells; nothing where it tells nothing.

use super::figures::Figure;

/// Memory and time of this process.
pub(super) fn figures() -> Vec<Figure> {
    let memory = resident_bytes().map(|bytes| {
        Figure::now("process_resident_memory_bytes", "Memory of the process in RAM.", bytes)
    });
    let cpu = cpu_seconds().map(|value| Figure {
        name: "process_cpu_seconds",
        help: "Time of the process on processors.",
        is_count: true,
        value,
    });
    memory.into_iter().chain(cpu).collect()
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

/// User and system time; the kernel counts in hundredths of a second on every usual machine.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may have blanks in it.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut ticks = rest.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / 100.0)
}
