import Observability
import Testing
import TestSupport

@Suite struct RepeatedWarningTests {
    @Test func saysOnceThatSomethingHasBegun() async throws {
        let lines = LogLines()
        let warning = RepeatedWarning("it lasts", Logger(service: "test", output: lines.output))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<50 { group.addTask { warning.log([.count: .int(number)]) } }
        }
        let line = try #require(try lines.objects().first)
        #expect(lines.all.count == 1)
        #expect(line["level"] as? String == "warning" && line["msg"] as? String == "it lasts")
        #expect(line["count"] is Int && line["times_suppressed"] as? Int == 0)
    }

    @Test func eachConditionIsToldOfByItself() {
        let lines = LogLines()
        let logger = Logger(service: "test", output: lines.output)
        for _ in 0..<2 { RepeatedWarning("it lasts", logger).log([:]) }
        #expect(lines.all.count == 2)
    }
}
