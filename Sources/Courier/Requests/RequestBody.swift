/// The bytes of a request's body, immutable and at a fixed place in memory.
///
/// libcurl reads a body from where it lies, for as long as the request lasts. An array's storage may move, so the bytes
/// live here instead. Several requests, such as one event on its way to several endpoints, may share one body.
@safe package final class RequestBody: @unchecked Sendable {
    // Unchecked: written once by the initialiser, only read afterwards.
    private let storage: UnsafeMutableRawBufferPointer

    /// How many bytes there are.
    package let count: Int

    /// Copies `bytes`, once.
    package init(_ bytes: some Collection<UInt8>) {
        let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        unsafe storage.copyBytes(from: bytes)
        unsafe self.storage = storage
        count = bytes.count
    }

    deinit {
        unsafe storage.deallocate()
    }

    /// Lends the bytes. The pointer is valid only within `use`.
    package func withUnsafeBytes<Value>(_ use: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try unsafe use(UnsafeRawBufferPointer(rebasing: storage[..<count]))
    }

    /// Where the bytes begin. Valid while this object lives; never nil, so that libcurl takes an empty body for one.
    var start: UnsafeRawPointer? {
        unsafe UnsafeRawPointer(storage.baseAddress)
    }
}
