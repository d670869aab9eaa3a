internal import CLibCurl
internal import Glibc

/// The certificates that the system trusts, which every https endpoint is checked against.
package enum TrustedRoots {
    /// The file with the system's trusted certificates, when it is there and can be read. Without one every https endpoint
    /// fails, so a worker does better not to start (Debian's package is called `ca-certificates`).
    package static func systemFile() -> String? {
        CurlGlobal.setUp()
        guard let version = unsafe curl_version_info(CURLVERSION_SEVENTH), let path = unsafe version.pointee.cainfo,
            unsafe access(path, R_OK) == 0
        else { return nil }
        return unsafe String(cString: path)
    }
}
