using System.Runtime.InteropServices;

namespace RsrNet.Core.Weights;

/// <summary>
/// Replaces a file so that a crash or a lost power supply leaves either the old one or the new one, whole and under its name.
/// </summary>
internal static partial class DurableFile
{
    /// <summary>Ending of a file that is being written; one that is found at the start is what a crash left.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>
    /// Writes beside the target, flushes to the disk, renames, and flushes the folder: the rename itself is an entry there.
    /// </summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written; what was there before is untouched.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var temporary = path + TemporarySuffix;
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception)
        {
            Delete(temporary);
            if (exception is not (IOException or UnauthorizedAccessException)) throw;
            throw new IOException(
                $"{path} could not be written, files from before are untouched; free space or make it writable: {exception.Message}",
                exception);
        }
        FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Deletes what can be deleted; a file that stays is tried again next time.</summary>
    /// <returns>Whether it is gone.</returns>
    public static bool Delete(string path)
    {
        try
        {
            File.Delete(path);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>
    /// .NET opens no folders, so this asks the C library. Windows has no such call, and some file systems refuse it: then the rename is as
    /// durable as they make it.
    /// </summary>
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var handle = open(folder, 0);
        if (handle < 0) return;
        _ = fsync(handle);
        _ = close(handle);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fsync(int handle);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int close(int handle);
}
