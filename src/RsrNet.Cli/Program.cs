System.Console.WriteLine("rsrnet");
