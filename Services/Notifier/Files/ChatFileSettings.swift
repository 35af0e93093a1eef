import Configuration
import Foundation
import UVHTTPClient
import UVLoop

/// The configuration of the files of chats.
package struct ChatFileSettings: Sendable {
    enum Location: Sendable {
        case none
        case folder(String)
        case bucket(BucketStore.Address)
    }

    var location = Location.none
    var quota = ChatFileRows.Quota()
    /// The folder of temporary files of uploads.
    var spoolFolder = FileManager.default.temporaryDirectory.path
    var spoolBytes = 1 << 30
    var uploads = 64
    var uploadsPerWorkspace = 4
    var downloads = 256
    var downloadsPerWorkspace = 16

    init() {}

    init(_ reader: ConfigurationReader) {
        location = Self.location(reader)
        quota.files = reader.int(
            "CHAT_FILES_PER_WORKSPACE", default: quota.files, in: 1...10_000_000,
            "Files of chats that one workspace may have.")
        quota.bytes = reader.int(
            "CHAT_FILES_BYTES_PER_WORKSPACE", default: quota.bytes, in: 1 << 20...1 << 50,
            "Bytes of all files of chats that one workspace may have.")
        spoolFolder =
            reader.optionalString(
                "NOTIFIER_SPOOL_DIR", "Where uploads are while they arrive; if not set, the system's temporary folder.")
            ?? spoolFolder
        spoolBytes = reader.int(
            "NOTIFIER_SPOOL_BYTES", default: spoolBytes, in: 64 << 20...1 << 50,
            "Bytes of uploads that arrive at once; a workspace may have a quarter of it.")
        uploads = reader.int(
            "NOTIFIER_UPLOADS", default: uploads, in: 1...100_000, "Uploads at once, in this process.")
        uploadsPerWorkspace = reader.int(
            "NOTIFIER_UPLOADS_PER_WORKSPACE", default: uploadsPerWorkspace, in: 1...100_000,
            "Of these, with the tokens of one workspace.")
        downloads = reader.int(
            "NOTIFIER_DOWNLOADS", default: downloads, in: 1...100_000, "Downloads at once, in this process.")
        downloadsPerWorkspace = reader.int(
            "NOTIFIER_DOWNLOADS_PER_WORKSPACE", default: downloadsPerWorkspace, in: 1...100_000,
            "Of these, with the tokens of one workspace.")
    }

    private static func location(_ reader: ConfigurationReader) -> Location {
        let folder = reader.optionalString(
            "CHAT_FILES_DIR",
            "The folder of the files of workspaces without a container; all instances of the notifier need the same one."
        )
        let url = reader.optionalURL(
            "CHAT_FILES_S3_URL", schemes: ["http", "https"],
            "An S3-compatible store in place of CHAT_FILES_DIR; without a path.")
        let bucket = reader.optionalString("CHAT_FILES_S3_BUCKET", "The bucket for files of chats.")
        let region = reader.string(
            "CHAT_FILES_S3_REGION", default: "us-east-1", "The region that these requests are signed for.")
        let accessKey = reader.optionalString(
            "CHAT_FILES_S3_ACCESS_KEY", "The name of the key that signs requests to the bucket.")
        let secretKey = reader.optionalString("CHAT_FILES_S3_SECRET_KEY", secret: true, "The key of that name.")
        if let folder {
            if url != nil { reader.problem("CHAT_FILES_S3_URL", expected: "nothing, since CHAT_FILES_DIR is set") }
            if !folder.hasPrefix("/") { reader.problem("CHAT_FILES_DIR", expected: "an absolute path") }
            return .folder(folder)
        }
        guard let url else { return .none }
        guard let parsed = ClientURL(url), ["", "/"].contains(parsed.target) else {
            reader.problem("CHAT_FILES_S3_URL", expected: "an http or https URL without a user and a path")
            return .none
        }
        guard let bucket, isBucketName(bucket) else {
            reader.problem("CHAT_FILES_S3_BUCKET", expected: "3 to 63 lower-case letters, digits, dots and dashes")
            return .none
        }
        guard let accessKey, let secretKey else {
            reader.problem(
                accessKey == nil ? "CHAT_FILES_S3_ACCESS_KEY" : "CHAT_FILES_S3_SECRET_KEY",
                expected: "both parts of the key")
            return .none
        }
        return .bucket(
            BucketStore.Address(
                url: parsed, bucket: bucket,
                signature: BucketSignature(accessKey: accessKey, secretKey: secretKey, region: region)))
    }

    private static func isBucketName(_ text: String) -> Bool {
        (3...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"): true
                default: false
                }
            }
    }

    /// Nil when none is configured.
    func makeStore(loops: EventLoopGroup) -> (any FileStore)? {
        switch location {
        case .none: nil
        case .folder(let path): FolderStore(folder: path)
        case .bucket(let address): BucketStore(address, loops: loops)
        }
    }
}
