import Contracts
import Foundation
import Observability

/// Times that are read, written, and read again; and the two writers compared.
enum Dates {
    static func judge(_ input: [UInt8]) throws {
        try isReadAgain(String(decoding: input, as: UTF8.self))
        try writersAgree(input)
    }

    private static func isReadAgain(_ text: String) throws {
        guard let date = RFC3339.parse(text) else { return }
        let written = RFC3339.format(date)
        try require(written.utf8.count == 27, "\(written) has not 27 characters")
        try require(!written.hasPrefix("0000"), "\(text) is in a year that Postgres has not")
        let again = try require(RFC3339.parse(written), "\(text) was written as \(written), which is not read")
        // A double is exact to 30 microseconds at the end of the year 9999.
        try require(abs(again.timeIntervalSince(date)) < 0.0001, "\(text) became \(written)")
        try require(RFC3339.format(again) == written, "\(written) is written differently again")
    }

    /// Whole seconds, which a double holds exactly.
    private static func writersAgree(_ input: [UInt8]) throws {
        guard input.count >= 8 else { return }
        let number = input.prefix(8).reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }
        let seconds = Int(number % 315_569_520_000) - 62_167_219_200
        guard seconds <= 253_402_300_799 else { return }
        let (one, other) = (
            Timestamp(seconds: seconds).rfc3339, RFC3339.format(Date(timeIntervalSince1970: Double(seconds)))
        )
        try require(one == other, "\(seconds) is \(one) and \(other)")
    }
}
