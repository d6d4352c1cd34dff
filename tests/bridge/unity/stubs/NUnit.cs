// The little of NUnit that the package's own tests use, and a runner for them.
using System;
using System.Linq;
using System.Reflection;

namespace NUnit.Framework
{
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class TestAttribute : Attribute { }

    public static class Assert
    {
        public static int Made;

        public static void IsTrue(bool condition)
        {
            ++Made;
            if (!condition) throw new Exception("expected true");
        }

        public static void IsFalse(bool condition)
        {
            IsTrue(!condition);
        }

        public static void AreEqual(double expected, double actual, double delta)
        {
            ++Made;
            if (!(Math.Abs(expected - actual) <= delta)) throw new Exception("expected " + expected + ", got " + actual);
        }

        public static void AreEqual(object expected, object actual)
        {
            ++Made;
            if (!expected.Equals(actual)) throw new Exception("expected " + expected + ", got " + actual);
        }
    }

    static class Runner
    {
        static int Main()
        {
            var failed = 0;
            var tests = Assembly.GetExecutingAssembly().GetTypes().SelectMany(type => type.GetMethods()).Where(method => Attribute.IsDefined(method, typeof(TestAttribute))).ToList();
            foreach (var test in tests)
            {
                try
                {
                    test.Invoke(Activator.CreateInstance(test.DeclaringType), null);
                }
                catch (TargetInvocationException failure)
                {
                    ++failed;
                    Console.Error.WriteLine("FAILED: " + test.Name + ": " + failure.InnerException);
                }
            }
            Console.WriteLine(tests.Count + " tests, " + Assert.Made + " assertions");
            return failed > 0 || tests.Count == 0 ? 1 : 0;
        }
    }
}
