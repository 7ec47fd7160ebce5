using System.Diagnostics;
using System.Globalization;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// Holds a data folder for this process alone, through an open <c>data.lock</c> that nobody else may open: the operating system lets go of
/// it
/// however the process ends. Who holds it stands in <c>data.pid</c>, since a locked file cannot be read.
/// </summary>
public sealed class DataFolderLock : IDisposable
{
    private readonly FileStream _file;

    private DataFolderLock(string folder, FileStream file)
    {
        Folder = folder;
        _file = file;
    }

    /// <summary>Full path.</summary>
    public string Folder { get; }

    /// <summary>Creates the folder where it is missing, and takes it.</summary>
    /// <exception cref="StoreUnavailableException">Another process has it (the message names its id), or it cannot be written.</exception>
    public static DataFolderLock Take(string folder)
    {
        folder = Path.GetFullPath(folder);
        FileStream? file = null;
        try
        {
            Directory.CreateDirectory(folder);
            // FileShare.None is flock(LOCK_EX) on Unix.
            file = new FileStream(Path.Combine(folder, "data.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(PidPath(folder), Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
            return new DataFolderLock(folder, file);
        }
        catch (Exception problem) when (problem is UnauthorizedAccessException or IOException)
        {
            file?.Dispose();
            throw Explain(folder, problem, held: file is null);
        }
    }

    public void Dispose()
    {
        // The lock file itself stays: removing it would let two processes hold two files of the same name.
        File.Delete(PidPath(Folder));
        _file.Dispose();
    }

    private static StoreUnavailableException Explain(string folder, Exception problem, bool held)
    {
        if (problem is UnauthorizedAccessException or DirectoryNotFoundException || !Directory.Exists(folder))
        {
            return new StoreUnavailableException(
                $"the data folder '{folder}' cannot be written ({problem.Message}); give this user write access to it, " +
                "or choose another with --data",
                problem);
        }
        if (held && File.Exists(Path.Combine(folder, "data.lock")) && problem is not FileNotFoundException && IsSharing(problem))
        {
            var owner = ReadPid(folder) is { } pid ? $"process {pid}" : "another process";
            return new StoreUnavailableException(
                $"the data folder '{folder}' is in use by {owner}; stop that server, or choose another folder with --data", problem);
        }
        return new StoreUnavailableException(
            $"the data folder '{folder}' cannot be used ({problem.Message}); make it writable, or choose another with --data", problem);
    }

    /// <summary>
    /// A file that another process has: error 32 or 33 on Windows, EWOULDBLOCK (11 on Linux, 35 on macOS) from flock elsewhere.
    /// </summary>
    private static bool IsSharing(Exception problem) => (problem.HResult & 0xFFFF) is 32 or 33 or 11 or 35;

    private static int? ReadPid(string folder)
    {
        try
        {
            var pid = int.Parse(File.ReadAllText(PidPath(folder)), CultureInfo.InvariantCulture);
            using var process = Process.GetProcessById(pid);
            return pid;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or FormatException or OverflowException
            or ArgumentException)
        {
            // Written a moment later by the process that has the lock, or left by one that died before it.
            return null;
        }
    }

    private static string PidPath(string folder) => Path.Combine(folder, "data.pid");
}
