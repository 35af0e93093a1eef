import HTTPCore
import Testing

@testable import Provisioning

@Suite("A file of an archive")
struct TarFileTests {
    /// A header with a size in octal digits, as engines write them: zeros for a size that does not fit.
    private func header(_ kind: Character, size: Int) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        let digits = String(size, radix: 8)
        block.replaceSubrange(
            124..<136, with: Array((String(repeating: "0", count: 11 - digits.count) + digits + "\0").utf8))
        block[0] = UInt8(ascii: "a")
        block[156] = kind.asciiValue ?? 0
        return block
    }

    private func archive(_ records: String, _ kind: Character = "x", size: Int = 0) -> TarFileBody {
        var content = Array(records.utf8)
        let length = content.count
        content += [UInt8](repeating: 0, count: (512 - length % 512) % 512)
        return TarFileBody(BytesSource(header(kind, size: length) + content + header("0", size: size) + [1, 2, 3]))
    }

    /// With its own length in front.
    private static func record(_ text: String) -> String {
        for digits in 1... {
            let length = digits + 1 + text.utf8.count + 1
            if String(length).utf8.count == digits { return "\(length) \(text)\n" }
        }
        return ""
    }

    @Test(
        "A size that does not fit the header is that of its record",
        arguments: [
            (record("size=8589934592"), 8_589_934_592),
            (record("path=a size=1\nb") + record("size=8589934593"), 8_589_934_593), (record("size=2"), 2),
            (record("mtime=1700000000.123456789"), 3), ("", 3),
        ])
    func sizes(_ records: String, _ size: Int) async throws {
        let body = archive(records, size: 3)
        try await body.readHeader()
        #expect(body.size == size)
        // What is not there of it is an error, and no end.
        var read: [UInt8] = []
        do {
            while let chunk = try await body.next() { read += chunk }
            #expect(read.count == size)
        } catch {
            #expect(error == .truncated && size > 3)
        }
    }

    @Test(
        "Records that cannot be read, and sizes that are none, are refused",
        arguments: [
            record("size=99999999999999999999"), record("size=-1"), record("size="), record("size=0x"),
            "99 size=2\n", "0 size=2\n", "3 size=2\n", "x size=2\n", "9 size=2", "size=2\n",
        ])
    func refused(_ records: String) async {
        for kind in ["x", "g"] as [Character] {
            let body = archive(records, kind)
            await #expect(throws: TarFileBody.Refusal.self) { try await body.readHeader() }
        }
    }
}
