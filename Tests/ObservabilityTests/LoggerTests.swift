import Foundation
import Observability
import Synchronization
import Testing
import TestSupport

@Suite struct LoggerTests {
    @Test func writesOneObjectALine() throws {
        let lines = LogLines()
        let logger = Logger(service: "registry", output: lines.output).with([.instance: "i1", .count: 1])
        let id = UUID()
        logger.warning(
            "it happened",
            [
                .workspaceID: .uuid(id), .count: 2, .error: "line\n\"quoted\"", .custom("ratio"): 0.5, .state: true,
                .durationMilliseconds: .milliseconds(.microseconds(1500)),
            ])
        let line = try #require(try lines.objects().first)
        #expect(lines.all[0].hasPrefix(#"{"level":"warning","ts":""#))
        #expect(line["service"] as? String == "registry")
        #expect(line["msg"] as? String == "it happened")
        #expect(line["workspace_id"] as? String == id.uuidString.lowercased())
        #expect(line["count"] as? Int == 2)
        #expect(line["error"] as? String == "line\n\"quoted\"")
        #expect(line["ratio"] as? Double == 0.5)
        #expect(line["state"] as? Bool == true)
        #expect(line["duration_ms"] as? Double == 1.5)
        #expect(line["instance"] as? String == "i1")
    }

    @Test func aLineIsOneForEveryReader() throws {
        let lines = LogLines()
        let text = "one\u{2028}two\u{85}three\r\nfour"
        Logger(service: "registry", output: lines.output).info("it happened", [.error: .string(text)])
        // Which inspects the text within the line as well.
        #expect(try lines.objects().first?["error"] as? String == text)
    }

    @Test func buildsNothingForADisabledLevel() {
        let lines = LogLines()
        let logger = Logger(service: "x", level: .warning, output: lines.output)
        let built = Mutex(0)
        func costly() -> LogMetadata {
            built.withLock { $0 += 1 }
            return [:]
        }
        logger.debug("no", costly())
        logger.info("no", costly())
        Logger.disabled.error("no", costly())
        #expect(built.withLock { $0 } == 0 && lines.all.isEmpty)
        logger.error("yes", costly())
        #expect(built.withLock { $0 } == 1 && lines.all.count == 1)
    }

    @Test(
        arguments: [("debug", .debug), ("WARNING", .warning), ("loud", .info), (nil, .info)] as [(String?, LogLevel)])
    func readsItsLevel(_ text: String?, _ level: LogLevel) {
        #expect(LogLevel.fromEnvironment(text.map { ["LOG_LEVEL": $0] } ?? [:]) == level)
    }

    @Test func everyKeyIsWrittenInSnakeCase() {
        let keys: [LogKey] = [.requestID, .sqlState, .routingKey, .durationMilliseconds, .custom("own_key"), .exchange]
        #expect(keys.map(\.name) == ["request_id", "sql_state", "routing_key", "duration_ms", "own_key", "exchange"])
    }

    @Test func keepsLinesOfManyThreadsApart() async throws {
        let lines = LogLines()
        let logger = Logger(service: "x", output: lines.output)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<50 { group.addTask { logger.info("line", [.count: .int(number)]) } }
        }
        #expect(Set(try lines.objects().compactMap { $0["count"] as? Int }).count == 50)
    }
}
