import Foundation

enum HexDigit {
    static func ascii(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x57 + nibble }

    static func value(_ ascii: UInt8) -> UInt8? {
        switch ascii {
        case 0x30...0x39: ascii - 0x30
        case 0x61...0x66: ascii - 0x57
        case 0x41...0x46: ascii - 0x37
        default: nil
        }
    }
}

/// Whole numbers without going through `String`.
enum IntegerText {
    static func write(_ value: Int, to text: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var position = 20
            var rest = value.magnitude
            repeat {
                position -= 1
                digits[position] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if value < 0 {
                position -= 1
                digits[position] = UInt8(ascii: "-")
            }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: digits[position...]))
        }
    }

    static func read(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
        var value = 0
        let isNegative = text.first == UInt8(ascii: "-")
        guard text.count > (isNegative ? 1 : 0) else { return nil }
        for byte in text[(isNegative ? 1 : 0)...] {
            guard (0x30...0x39).contains(byte) else { return nil }
            // Counted downwards, since the smallest number has no positive counterpart.
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, overflowToo) = shifted.subtractingReportingOverflow(Int(byte - 0x30))
            if overflow || overflowToo { return nil }
            value = next
        }
        if isNegative { return value }
        return value == Int.min ? nil : -value
    }
}

/// UUIDs as 36 lower-case characters, without going through `String`.
enum UUIDText {
    static func write(_ id: UUID, to text: inout [UInt8]) {
        // Composed aside and appended at once: each append to an array looks at its capacity.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { characters in
            withUnsafeBytes(of: id.uuid) { bytes in
                var position = 0
                for index in 0..<16 {
                    if index == 4 || index == 6 || index == 8 || index == 10 {
                        characters[position] = UInt8(ascii: "-")
                        position += 1
                    }
                    characters[position] = HexDigit.ascii(bytes[index] >> 4)
                    characters[position + 1] = HexDigit.ascii(bytes[index] & 15)
                    position += 2
                }
            }
            text.append(contentsOf: UnsafeBufferPointer(characters))
        }
    }

    static func read(_ text: UnsafeBufferPointer<UInt8>) -> UUID? {
        guard text.count == 36 else { return nil }
        var raw: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let isValid = withUnsafeMutableBytes(of: &raw) { bytes in
            var position = 0
            for index in 0..<16 {
                if text[position] == UInt8(ascii: "-") { position += 1 }
                guard position + 1 < 36, let high = HexDigit.value(text[position]),
                    let low = HexDigit.value(text[position + 1])
                else { return false }
                bytes[index] = high << 4 | low
                position += 2
            }
            return true
        }
        return isValid ? UUID(uuid: raw) : nil
    }
}

/// `timestamptz` as text; every session of ours is in UTC with ISO dates.
enum TimestampText {
    /// `2026-01-02 03:04:05.678901+00`
    static func write(_ date: Date, to text: inout [UInt8]) {
        let total = Int((date.timeIntervalSince1970 * 1_000_000).rounded())
        let (days, micros) = floorDivide(total, 86_400_000_000)
        let (year, month, day) = civil(fromDays: days)
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000)
        digits(year, 4, &text)
        text.append(UInt8(ascii: "-"))
        digits(month, 2, &text)
        text.append(UInt8(ascii: "-"))
        digits(day, 2, &text)
        text.append(UInt8(ascii: " "))
        digits(seconds / 3600, 2, &text)
        text.append(UInt8(ascii: ":"))
        digits(seconds / 60 % 60, 2, &text)
        text.append(UInt8(ascii: ":"))
        digits(seconds % 60, 2, &text)
        text.append(UInt8(ascii: "."))
        digits(fraction, 6, &text)
        text.append(contentsOf: "+00".utf8)
    }

    /// Reads what a session in UTC writes for `timestamptz`, `timestamp` and `date`; nil for anything else,
    /// infinity included.
    static func read(_ text: UnsafeBufferPointer<UInt8>) -> Date? {
        var position = 0
        func number() -> Int? {
            var value = 0
            let start = position
            while position < text.count, (0x30...0x39).contains(text[position]), position - start < 9 {
                value = value * 10 + Int(text[position] - 0x30)
                position += 1
            }
            return position > start ? value : nil
        }
        func skip(_ character: Character) -> Bool {
            guard position < text.count, text[position] == character.asciiValue else { return false }
            position += 1
            return true
        }
        guard let year = number(), skip("-"), let month = number(), skip("-"), let day = number() else { return nil }
        var seconds = 0
        var micros = 0
        if position < text.count {
            guard skip(" "), let hour = number(), skip(":"), let minute = number(), skip(":"), let second = number()
            else { return nil }
            seconds = hour * 3600 + minute * 60 + second
            if skip(".") {
                let start = position
                guard let fraction = number() else { return nil }
                micros = (position - start..<6).reduce(fraction) { value, _ in value * 10 }
            }
            if position < text.count {
                guard skip("+"), number() == 0, position == text.count else { return nil }
            }
        }
        let whole = days(fromYear: year, month, day) * 86_400 + seconds
        return Date(timeIntervalSince1970: Double(whole) + Double(micros) / 1_000_000)
    }

    private static func digits(_ value: Int, _ width: Int, _ text: inout [UInt8]) {
        let plain = String(value)
        for _ in 0..<max(0, width - plain.utf8.count) { text.append(0x30) }
        text.append(contentsOf: plain.utf8)
    }

    private static func floorDivide(_ value: Int, _ divisor: Int) -> (Int, Int) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    // The proleptic Gregorian calendar in 400-year eras beginning in March, so that leap days come last.
    private static func civil(fromDays days: Int) -> (Int, Int, Int) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func days(fromYear year: Int, _ month: Int, _ day: Int) -> Int {
        let (era, yearOfEra) = floorDivide(month <= 2 ? year - 1 : year, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
