import Glibc

extension MetricsRegistry {
    /// The standard `process_*` metrics, read at each scrape.
    func registerProcessMetrics() {
        let start = processStartTime()
        measuredGauge("process_resident_memory_bytes", "Memory in use, without what is swapped out.") {
            statm().map { Double($0.resident * Int(getpagesize())) }
        }
        measuredGauge("process_virtual_memory_bytes", "Address space in use.") {
            statm().map { Double($0.size * Int(getpagesize())) }
        }
        measuredGauge("process_open_fds", "Open file descriptors.") { openDescriptors().map(Double.init) }
        measuredGauge("process_max_fds", "Most file descriptors that may be open.") {
            var limit = rlimit()
            return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? Double(limit.rlim_cur) : nil
        }
        measuredCounter("process_cpu_seconds_total", "Processor time used, of user and system.") {
            var time = timespec()
            guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        measuredGauge("process_start_time_seconds", "When the process started, in seconds since 1970.") { start }
    }
}

private func statm() -> (size: Int, resident: Int)? {
    let fields = contents(of: "/proc/self/statm")?.split(separator: " ").compactMap { Int($0) } ?? []
    return fields.count > 1 ? (fields[0], fields[1]) : nil
}

private func openDescriptors() -> Int? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count - 3  // ".", ".." and the folder's own descriptor
}

/// Field 22 of /proc/self/stat counts ticks since boot, `btime` of /proc/stat says when that was.
private func processStartTime() -> Double? {
    guard let stat = contents(of: "/proc/self/stat"), let nameEnd = stat.lastIndex(of: ")"),
        let boot = contents(of: "/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") })
    else { return nil }
    // The program's name (field 2) may hold spaces; behind its bracket come field 3 and the rest.
    let fields = stat[nameEnd...].split(separator: " ").dropFirst().map { Double($0) }
    guard fields.count > 19, let ticks = fields[19], let booted = Double(boot.dropFirst("btime ".count)) else {
        return nil
    }
    return booted + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
}

/// A small file under /proc, which reports no size.
private func contents(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        guard count > 0 else { break }
        bytes.append(contentsOf: chunk[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
}
