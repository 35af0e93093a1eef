import Foundation
import Testing

import PlatformInternals
@testable import Contracts

@Suite struct TimeTests {
    @Test(arguments: [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (-0.000001, "1969-12-31T23:59:59.999999Z"),
        (951_782_400, "2000-02-29T00:00:00.000000Z"),
        (1_709_164_799.25, "2024-02-28T23:59:59.250000Z"),
        (1_709_164_800, "2024-02-29T00:00:00.000000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        (1_735_689_599.999999, "2024-12-31T23:59:59.999999Z"),
        (-62_135_596_800, "0001-01-01T00:00:00.000000Z"),
        (1e18, "9999-12-31T23:59:59.999904Z"),
    ])
    func isWritten(_ seconds: Double, _ text: String) throws {
        #expect(RFC3339.format(Date(timeIntervalSince1970: seconds)) == text)
        if seconds < 1e12 {
            let back = try #require(RFC3339.parse(text))
            #expect(abs(back.timeIntervalSince1970 - seconds) < 0.000_001)
        }
    }

    @Test(arguments: [
        ("2025-01-31T09:05:07Z", 1_738_314_307.0),
        ("2025-01-31t09:05:07z", 1_738_314_307),
        ("2025-01-31 09:05:07Z", 1_738_314_307),
        ("2025-01-31T10:05:07+01:00", 1_738_314_307),
        ("2025-01-31T03:35:07-05:30", 1_738_314_307),
        ("2025-01-31T09:05:07.5Z", 1_738_314_307.5),
        ("2025-01-31T09:05:07.123456789123Z", 1_738_314_307.123456789),
        ("2016-12-31T23:59:60Z", 1_483_228_800),
        ("0001-01-01T00:00:00Z", -62_135_596_800),
        ("0000-12-31T23:30:00-00:30", -62_135_596_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ])
    func isRead(_ text: String, _ seconds: Double) throws {
        #expect(abs(try #require(RFC3339.parse(text)).timeIntervalSince1970 - seconds) < 0.000_001)
    }

    @Test func staysInTheYear9999() throws {
        let date = try #require(RFC3339.parse("9999-12-31T23:59:59.9999999Z"))
        #expect(RFC3339.format(date).hasPrefix("9999-12-31T23:59:59"))
    }

    @Test(arguments: [
        "", "2025-01-31", "2025-01-31T09:05:07", "2025-01-31T09:05Z", "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z",
        "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2025-04-31T00:00:00Z", "2025-01-00T00:00:00Z",
        "2025-01-31T24:00:00Z", "2025-01-31T09:60:07Z", "2025-01-31T09:05:61Z", "2025-01-31T09:05:07.Z",
        "2025-01-31T09:05:07+0100", "2025-01-31T09:05:07+24:00", "2025-01-31T09:05:07ZZ", " 2025-01-31T09:05:07Z",
        "25-01-31T09:05:07Z", "2025-1-31T09:05:07Z", "٢٠٢٥-01-31T09:05:07Z",
        "0000-01-01T00:00:00Z", "0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
    ])
    func isRefused(_ text: String) {
        #expect(RFC3339.parse(text) == nil)
    }

    @Test func agreesWithTheCalendarOnEveryDayOfFourCenturies() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        var date = Date(timeIntervalSince1970: -2_208_988_800)  // 1900
        for _ in 0..<1500 {
            let parts = calendar.dateComponents([.year, .month, .day], from: date)
            let text = RFC3339.format(date)
            #expect(text.prefix(4) == String(parts.year ?? 0))
            #expect(Int(text.dropFirst(5).prefix(2)) == parts.month)
            #expect(Int(text.dropFirst(8).prefix(2)) == parts.day)
            #expect(RFC3339.parse(text) == date)
            date += 86_400 * 97
        }
    }
}

@Suite struct IdentifierTests {
    @Test func isLowerCaseBothWays() {
        for _ in 0..<100 {
            let id = UUID()
            #expect(id.lowercased == id.uuidString.lowercased())
            var bytes: [UInt8] = []
            id.appendLowercased(to: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == id.lowercased)
            #expect(UUID(canonical: id.lowercased) == id)
            #expect(UUID(canonical: id.uuidString) == id)
        }
    }

    @Test(arguments: [
        "", "abcdef01", "abcdef01-0203-0405-0607-08090a0b0cf", "abcdef01-0203-0405-0607-08090a0b0cfff",
        "{abcdef01-0203-0405-0607-08090a0b0cff}", "abcdef0102030405060708090a0b0cff----",
        "abcdef01-0203-0405-0607-08090a0b0cfg", "abcdef01+0203-0405-0607-08090a0b0cff",
        "abcdef0-10203-0405-0607-08090a0b0cff", " abcdef01-0203-0405-0607-08090a0b0cf",
    ])
    func otherFormsAreRefused(_ text: String) {
        #expect(UUID(canonical: text) == nil)
    }
}

@Suite struct VocabularyTests {
    @Test func capabilitiesMapToTheirBits() throws {
        #expect(Capabilities.names.map(\.capability.rawValue) == [1, 2, 4, 8, 16, 32, 64])
        let all = Capabilities(rawValue: 127)
        let bytes = try WireJSON.encode(all)
        #expect(try WireJSON.decode(Capabilities.self, from: bytes) == all)
        #expect(Capabilities(name: "status_mgmt") == .statusManagement)
        #expect(Capabilities(name: "wings") == nil)
    }

    @Test func statusesAreThoseOfTheDatabase() {
        #expect(
            WorkspaceStatus.allCases.map(\.rawValue) == [
                "provisioning", "online", "offline", "degraded", "failed", "removed", "paused", "hibernating",
                "hibernated", "awaiting_agent",
            ])
        #expect(WorkspaceStatus.allCases.filter(\.isRunning) == [.online, .degraded])
        #expect(Priority.critical > .task && .task > Priority.info)
        #expect([Priority.critical, .task, .info].map(\.rawValue) == [100, 50, 10])
    }

    @Test func sentencesThatAreMadeUp() {
        #expect(
            ErrorMessage.activityTypeInvalid
                == "invalid activity_type, must be one of: a2a_send, a2a_receive, task_update, agent_log, "
                + "skill_promotion, memory_write, error")
        #expect(ErrorMessage.invalidTimezone("Mars/Base") == "invalid timezone: Mars/Base")
        #expect(ErrorMessage.attachmentIncomplete(2) == "attachment[2]: uri and name are required")
        #expect(ErrorMessage.scheduleSkippedBusy(activeTasks: 3) == "skipped: workspace busy (active_tasks=3)")
    }
}
