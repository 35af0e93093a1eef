import Foundation
import Synchronization

/// A time zone by its name in the tz database, as the system's package `tzdata` has it. The machine's own zone is
/// not used.
package struct CronTimeZone: Sendable, Hashable {
    /// Built in, without a file.
    package static let utc = CronTimeZone(name: "UTC", table: .utc)

    /// Such as `Europe/Berlin`.
    package let name: String
    let table: ZoneTable

    /// - Returns: nil if the system's zone data has no such zone.
    package init?(_ name: String) {
        if name == Self.utc.name {
            self = .utc
            return
        }
        guard let table = ZoneTables.table(named: name) else { return nil }
        self.init(name: name, table: table)
    }

    private init(name: String, table: ZoneTable) {
        self.name = name
        self.table = table
    }

    package static func == (left: CronTimeZone, right: CronTimeZone) -> Bool { left.name == right.name }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A cache of zones, each read once: a process keeps using the zone data that it has read.
private enum ZoneTables {
    private static let folder = "/usr/share/zoneinfo"
    /// More than exist; zones beyond it are not cached.
    private static let limit = 1024
    private static let cache = Mutex<[String: ZoneTable]>([:])

    static func table(named name: String) -> ZoneTable? {
        guard isName(name) else { return nil }
        if let table = cache.withLock({ $0[name] }) { return table }
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")),
            let table = ZoneFile.table(from: Array(data))
        else { return nil }
        return cache.withLock { tables in
            if let earlier = tables[name] { return earlier }
            if tables.count < limit { tables[name] = table }
            return table
        }
    }

    /// Words of letters, digits, `+`, `-` and `_` between slashes, beginning with a capital: so no path leads out of
    /// the folder, and neither `localtime` nor the copies below `posix/` and `right/` are zones.
    private static func isName(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count), let first = name.utf8.first,
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first)
        else { return false }
        return name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { word in
            !word.isEmpty
                && word.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }
}
