import Foundation
import Synchronization

/// A process that cannot outlive this one.
///
/// The script `leash` beside this file runs it in a group of its own and ends that group when its standard input
/// closes; the other end of that pipe is this process's, so it closes however this process ends.
package final class Leash: Sendable {
    /// The id of the command itself, not of the script around it.
    package let processID: pid_t
    /// The file that receives standard output and error.
    package let outputFile: String

    private struct State {
        var code: Int32?
        var input: Int32
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }
    private let state: Mutex<State>
    private static let running = Mutex<Set<pid_t>>([])

    /// Starts a command.
    ///
    /// - Parameters:
    ///   - environment: the whole environment, but for `PATH`, which is added when missing.
    ///   - output: appended to; a new file in a temporary folder by default.
    ///   - graceSeconds: how long the command may take to end after SIGTERM when this process goes away.
    package static func start(
        _ command: [String], environment: [String: String] = [:], directory: String = "/", output: String? = nil,
        graceSeconds: Int = 5
    ) async throws -> Leash {
        try await onThread {
            try Leash(command, environment, directory: directory, output: output, graceSeconds: graceSeconds)
        }
    }

    /// Runs a command to its end and returns what it wrote.
    ///
    /// - Throws: ``ProcessFailure`` with its output when it ends with an error.
    @discardableResult
    package static func run(_ command: [String], environment: [String: String] = [:]) async throws -> String {
        let leash = try await start(command, environment: environment)
        let code = await leash.exited()
        guard code == 0 else { throw ProcessFailure("\(command.joined(separator: " ")): \(code): \(leash.output)") }
        return leash.output
    }

    private init(
        _ command: [String], _ environment: [String: String], directory: String, output: String?, graceSeconds: Int
    ) throws {
        let folder = try TemporaryFolder.make("leash")
        outputFile = output ?? "\(folder)/output"
        let pidFile = "\(folder)/pid"
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("leash").path
        let report = "echo $$ >\"$0.new\" && mv \"$0.new\" \"$0\" && cd \"$1\" && shift && exec \"$@\""
        var variables = environment
        if variables["PATH"] == nil {
            variables["PATH"] = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        }
        let started = try Spawn.start(
            ["/bin/bash", script, String(graceSeconds), "/bin/sh", "-c", report, pidFile, directory] + command,
            environment: variables, output: outputFile)

        var found: pid_t?
        for _ in 0..<60_000 where found == nil {
            found = (try? String(contentsOfFile: pidFile, encoding: .utf8)).flatMap { pid_t($0.dropLast()) }
            if found == nil { usleep(1000) }
        }
        guard let found else {
            close(started.input)
            throw ProcessFailure("the leash did not start \(command[0])")
        }
        processID = found
        state = Mutex(State(input: started.input))
        Leash.running.withLock { _ = $0.insert(found) }
        let thread = Thread { [self] in waitForEnd(of: started.pid) }
        thread.name = "leash"
        thread.start()
    }

    /// Whether the command has not ended yet.
    package var isRunning: Bool { state.withLock { $0.code == nil } }

    /// Everything the command wrote so far.
    package var output: String {
        (try? Data(contentsOf: URL(fileURLWithPath: outputFile))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The end of what it wrote, for error messages.
    package var outputTail: String { String(output.suffix(4000)) }

    /// Sends a signal to the command, if it still runs.
    package func signal(_ number: Int32) {
        if isRunning { Foundation.kill(processID, number) }
    }

    /// Ends the command and everything below it with SIGKILL; returns when all of it is gone.
    package func kill() async {
        guard isRunning else { return }
        let root = processID
        _ = try? await onThread { ProcessTree.kill(root) }
        _ = await exited()
    }

    /// Sends SIGTERM to the command, and kills it when it has not ended within the limit.
    ///
    /// - Returns: its exit code, 128 plus the signal's number when a signal ended it.
    @discardableResult
    package func terminate(with number: Int32 = SIGTERM, within limit: Duration = .seconds(20)) async -> Int32 {
        signal(number)
        if (try? await eventually(within: limit, "exit", { !isRunning })) == nil { await kill() }
        return await exited()
    }

    /// Waits for the end of the command.
    package func exited() async -> Int32 {
        await withCheckedContinuation { continuation in
            let code = state.withLock { state -> Int32? in
                if state.code == nil { state.waiting.append(continuation) }
                return state.code
            }
            if let code { continuation.resume(returning: code) }
        }
    }

    private func waitForEnd(of script: pid_t) {
        var status: Int32 = 0
        while waitpid(script, &status, 0) < 0, errno == EINTR {}
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        Leash.running.withLock { _ = $0.remove(processID) }
        let waiting = state.withLock { state in
            state.code = code
            close(state.input)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: code) }
    }

    /// Called once when the test process exits, before its temporary folder is removed.
    static func killAllAtExit() {
        for pid in running.withLock({ $0 }) { ProcessTree.kill(pid) }
    }
}
