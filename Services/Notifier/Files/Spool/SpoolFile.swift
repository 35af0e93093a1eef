import Crypto
import Foundation
import HTTPCore
import Synchronization
import UVLoop

/// An anonymous temporary file: the system deletes it with its descriptor, however this process ends.
///
/// Written by one task at a time, which waits for each write; read when it is complete.
final class SpoolFile: Sendable {
    /// A failed system call.
    struct Failure: Error, CustomStringConvertible {
        let call: String
        let code: Int32
        var description: String { "\(call): \(String(cString: strerror(code)))" }

        init(_ call: String) {
            self.call = call
            code = errno
        }
    }

    private struct Written: ~Copyable {
        var size = 0
        var digest: SHA256Digest? = SHA256Digest()
    }

    let descriptor: Int32
    private let written = Mutex(Written())

    /// Bytes so far.
    var size: Int { written.withLock { $0.size } }

    /// Creates an empty one. Blocks.
    ///
    /// - Throws: `Failure`.
    init(folder: String) throws {
        var file = open(folder, Self.temporary | O_RDWR | O_CLOEXEC, 0o600)
        if file < 0, errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL { file = Self.openUnlinked(folder) }
        guard file >= 0 else { throw Failure("open \(folder)") }
        descriptor = file
    }

    deinit { close(descriptor) }

    /// `O_TMPFILE`, which is a macro that Swift does not see.
    private static let temporary: Int32 = 0o20_000_000 | O_DIRECTORY

    /// For file systems without `O_TMPFILE`: a file that is unlinked at once.
    private static func openUnlinked(_ folder: String) -> Int32 {
        let path = "\(folder)/switchyard-upload-\(hex(randomBytes(16)))"
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if file >= 0 { unlink(path) }
        return file
    }

    /// Appends bytes. Blocks.
    ///
    /// - Throws: `Failure`.
    func append(_ bytes: [UInt8]) throws {
        let end = size
        try bytes.withUnsafeBytes { try Self.write($0, to: descriptor, at: end) }
        written.withLock { written in
            written.size += bytes.count
            written.digest?.update(bytes)
        }
    }

    /// The digest of all bytes; to be called once, at the end.
    func finish() -> [UInt8] { written.withLock { $0.digest.take()?.finish() ?? [] } }

    /// Reads written bytes. Blocks.
    ///
    /// - Throws: `Failure`.
    func read(_ range: Range<Int>) throws -> [UInt8] { try Self.read(range, from: descriptor) }

    static func read(_ range: Range<Int>, from descriptor: Int32) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let read = pread(
                    descriptor, buffer.baseAddress.map { $0 + count }, range.count - count,
                    off_t(range.lowerBound + count))
                if read < 0, errno == EINTR { continue }
                guard read >= 0 else { throw Failure("read") }
                if read == 0 { return }
                count += read
            }
        }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let written = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw Failure("write") }
            done += written
        }
    }
}

/// A complete file of an upload, on disk as long as this value exists.
struct SpooledFile: Sendable {
    let name: FileName
    let mimeType: String
    let size: Int
    /// SHA-256 of the content.
    let digest: [UInt8]
    let file: SpoolFile
}
