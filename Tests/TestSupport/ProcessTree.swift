import Foundation

/// Finds and ends a process with everything below it, as a power cut would.
///
/// Groups are not enough: Postgres gives every backend, and Erlang every port program, a session of its own.
enum ProcessTree {
    /// Kills a process and its descendants with SIGKILL and waits until they are gone. Blocking.
    static func kill(_ root: pid_t) {
        // Stopped first, so that it starts nothing while its descendants are looked up.
        Foundation.kill(root, SIGSTOP)
        let all = [root] + descendants(of: root)
        for pid in all { Foundation.kill(pid, SIGKILL) }
        for pid in all {
            var rounds = 0
            while isAlive(pid), rounds < 2000 {
                usleep(2000)
                rounds += 1
            }
        }
    }

    static func descendants(of root: pid_t) -> [pid_t] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        var children: [pid_t: [pid_t]] = [:]
        for pid in entries.compactMap({ pid_t($0) }) {
            if let parent = stat(pid)?.parent { children[parent, default: []].append(pid) }
        }
        var found: [pid_t] = []
        var queue = [root]
        while let next = queue.popLast() {
            let below = children[next] ?? []
            found += below
            queue += below
        }
        return found
    }

    private static func isAlive(_ pid: pid_t) -> Bool {
        guard let state = stat(pid)?.state else { return false }
        return state != "Z" && state != "X"
    }

    /// State and parent from `/proc/<pid>/stat`; the name between parentheses may contain anything.
    private static func stat(_ pid: pid_t) -> (state: String, parent: pid_t)? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
        return (String(fields[0]), parent)
    }
}
