using System.Runtime.InteropServices;
using RsrNet.Core.Replicas;
using TorchSharp;

namespace RsrNet.Torch.Replicas;

/// <summary>
/// A processor or a GPU as libtorch sees it, with the one thread that talks to it. TorchSharp's dispose scopes and libtorch's gradient
/// mode belong to a thread, and so do OpenMP's workers: everything about a device happens on its own thread, and whoever wants something waits.
/// </summary>
public sealed class TorchDevice : IDisposable
{
    private readonly ComputeThread thread;

    private TorchDevice(string name, torch.Device device)
    {
        Name = name;
        Device = device;
        thread = new ComputeThread($"rsrnet-{name}");
    }

    /// <summary>torch-cpu or cuda.</summary>
    public string Name { get; }

    internal torch.Device Device { get; }

    /// <param name="threads">Threads of an operation; 0 leaves it to libtorch.</param>
    /// <exception cref="EngineUnavailableException">libtorch is not there.</exception>
    public static TorchDevice Cpu(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        if (ProblemOfCpu() is { } problem) throw new EngineUnavailableException(problem);
        var device = new TorchDevice("torch-cpu", torch.CPU);
        // OpenMP keeps the number for each calling thread.
        if (threads > 0) device.Run(() => torch.set_num_threads(threads));
        return device;
    }

    /// <summary>The first CUDA device. Which one that is, CUDA_VISIBLE_DEVICES says.</summary>
    /// <exception cref="EngineUnavailableException">There is none, or this build has libtorch without CUDA.</exception>
    public static TorchDevice Cuda()
    {
        if (ProblemOfCuda() is { } problem) throw new EngineUnavailableException(problem);
        // By default recurrent layers would multiply there with 10 bits (TF32), not with the 23 that every other engine has.
        torch.backends.cudnn.allow_tf32 = false;
        return new TorchDevice("cuda", torch.CUDA);
    }

    /// <returns>Why libtorch cannot be used at all; null where it can.</returns>
    public static string? ProblemOfCpu()
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            return null;
        }
        // TorchSharp looks in several places and wraps what each of them said.
        catch (Exception problem) when (problem is InvalidOperationException or NotSupportedException or TypeInitializationException
            or DllNotFoundException or BadImageFormatException)
        {
            return $"libtorch does not load ({FirstLine(problem)}); restore the package TorchSharp-cpu for this system";
        }
    }

    /// <returns>Why there is no CUDA device; null where there is one.</returns>
    public static string? ProblemOfCuda()
    {
        // Asked for first, because loading libtorch takes a second and much memory, and most machines have no GPU.
        if (!HasDriver()) return "there is no NVIDIA driver (nvidia-smi would list the GPUs); it also needs a build with -p:TorchDevice=cuda";
        if (ProblemOfCpu() is { } problem) return problem;
        return torch.cuda.is_available()
            ? null
            : "libtorch finds no CUDA device though there is an NVIDIA driver; build with -p:TorchDevice=cuda under Linux, and look whether "
                + "nvidia-smi lists a GPU and CUDA_VISIBLE_DEVICES does not hide it";
    }

    private static bool HasDriver()
    {
        if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out var driver)) return false;
        NativeLibrary.Free(driver);
        return true;
    }

    /// <summary>Has the device's thread do something, and waits for it. What it throws is thrown here.</summary>
    public T Run<T>(Func<T> action) => thread.IsCurrent ? action() : thread.Run(action).GetAwaiter().GetResult();

    /// <inheritdoc cref="Run{T}(Func{T})"/>
    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    /// <summary>Ends the thread. Engines on the device must be disposed before.</summary>
    public void Dispose() => thread.Dispose();

    private static string FirstLine(Exception problem) => problem.GetBaseException().Message.Split('\n')[0].Trim();
}
