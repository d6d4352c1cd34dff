// Signatures of UnityEngine that the package uses, written by hand from the documented scripting API (2021.3 to 6000.0; the page
// is the type's name). What a test needs does something here: a hierarchy of transforms, the order in which scripts are
// called. The rest only compiles. This is no engine, and passing here is no proof of how the engine behaves.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace UnityEngine
{
    public class Object
    {
        public string name { get; set; }

        public static void Destroy(Object obj)
        {
            var component = obj as Component;
            if (component != null) component.gameObject.Parts.Remove(component);
        }

        public static implicit operator bool(Object exists)
        {
            return !ReferenceEquals(exists, null);
        }
    }

    public class Component : Object
    {
        public GameObject gameObject { get; internal set; }
        public Transform transform { get { return gameObject.transform; } }

        public T GetComponent<T>()
        {
            return gameObject.GetComponent<T>();
        }

        public T[] GetComponentsInChildren<T>(bool includeInactive)
        {
            return gameObject.transform.Below().SelectMany(at => at.gameObject.Parts).OfType<T>().ToArray();
        }
    }

    public class Behaviour : Component
    {
        public bool enabled { get; set; } = true;
    }

    public class MonoBehaviour : Behaviour
    {
        internal bool Enabled, Begun;

        /// <summary>A message of the engine, such as Update, where the script has it.</summary>
        internal void Tell(string message, params object[] arguments)
        {
            var method = GetType().GetMethod(message, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public);
            if (method != null) method.Invoke(this, arguments);
        }
    }

    public sealed class GameObject : Object
    {
        public static readonly List<GameObject> All = new List<GameObject>();

        internal readonly List<Component> Parts = new List<Component>();
        bool _active = true;

        public GameObject(string name)
        {
            this.name = name;
            All.Add(this);
            transform = Add(new Transform());
        }

        public Transform transform { get; private set; }

        public T AddComponent<T>() where T : Component, new()
        {
            var part = Add(new T());
            var script = part as MonoBehaviour;
            if (script != null && _active) Wake(script);
            return part;
        }

        public T GetComponent<T>()
        {
            return Parts.OfType<T>().FirstOrDefault();
        }

        public void SetActive(bool value)
        {
            _active = value;
            foreach (var script in Parts.OfType<MonoBehaviour>().ToArray())
            {
                if (value) Wake(script);
                else Scene.Disable(script);
            }
        }

        public static GameObject CreatePrimitive(PrimitiveType type)
        {
            var shape = new GameObject(type.ToString());
            shape.AddComponent<Collider>();
            return shape;
        }

        T Add<T>(T part) where T : Component
        {
            part.gameObject = this;
            part.name = name;
            Parts.Add(part);
            return part;
        }

        static void Wake(MonoBehaviour script)
        {
            script.Tell("Awake");
            if (!script.enabled) return;
            script.Enabled = true;
            script.Tell("OnEnable");
        }
    }

    /// <summary>Not Unity's: what the engine does to scripts, picture by picture.</summary>
    public static class Scene
    {
        public static void Picture(float passed_s)
        {
            Time.unscaledDeltaTime = passed_s;
            var scripts = Scripts();
            foreach (var script in scripts.Where(script => !script.Begun))
            {
                script.Begun = true;
                script.Tell("Start");
            }
            foreach (var script in scripts) script.Tell("Update");
            foreach (var script in Scripts()) script.Tell("LateUpdate");
        }

        public static void Disable(MonoBehaviour script)
        {
            if (script.Enabled) script.Tell("OnDisable");
            script.Enabled = false;
        }

        /// <summary>The audio thread asks once: a clip of ones, run through the filters.</summary>
        public static void Sound(float[] data, int channels)
        {
            for (var i = 0; i < data.Length; ++i) data[i] = 1f;
            foreach (var script in Scripts()) script.Tell("OnAudioFilterRead", data, channels);
        }

        static List<MonoBehaviour> Scripts()
        {
            return GameObject.All.SelectMany(at => at.Parts).OfType<MonoBehaviour>().Where(script => script.Enabled && script.enabled).OrderBy(Order).ToList();
        }

        static int Order(MonoBehaviour script)
        {
            var order = (DefaultExecutionOrder)Attribute.GetCustomAttribute(script.GetType(), typeof(DefaultExecutionOrder));
            return order == null ? 0 : order.Order;
        }
    }

    public sealed class Transform : Component
    {
        readonly List<Transform> _children = new List<Transform>();
        Quaternion _turn = Quaternion.identity;

        public Transform parent { get; private set; }
        public Vector3 localPosition { get; set; }
        public Quaternion localRotation
        {
            get { return _turn; }
            set { _turn = value.normalized; }
        }

        public Vector3 localScale { get; set; } = new Vector3(1f, 1f, 1f);

        public Quaternion rotation
        {
            get { return parent == null ? localRotation : (parent.rotation * localRotation).normalized; }
            set { localRotation = parent == null ? value : Quaternion.Inverse(parent.rotation) * value; }
        }

        public Vector3 position
        {
            get { return parent == null ? localPosition : parent.TransformPoint(localPosition); }
            set { localPosition = parent == null ? value : parent.InverseTransformPoint(value); }
        }

        public Vector3 TransformPoint(Vector3 point)
        {
            var here = localRotation * Vector3.Scale(localScale, point) + localPosition;
            return parent == null ? here : parent.TransformPoint(here);
        }

        public Vector3 InverseTransformPoint(Vector3 point)
        {
            var here = Quaternion.Inverse(localRotation) * ((parent == null ? point : parent.InverseTransformPoint(point)) - localPosition);
            return new Vector3(here.x / localScale.x, here.y / localScale.y, here.z / localScale.z);
        }

        public void SetParent(Transform parent, bool worldPositionStays)
        {
            Vector3 place = position;
            var turn = rotation;
            this.parent = parent;
            parent._children.Add(this);
            if (!worldPositionStays) return;
            position = place;
            rotation = turn;
        }

        internal IEnumerable<Transform> Below()
        {
            return new[] { this }.Concat(_children.SelectMany(child => child.Below()));
        }
    }

    public static class Time
    {
        public static float unscaledDeltaTime { get; internal set; }
    }

    public static class Application
    {
        public static bool isPlaying { get { return true; } }
        public static bool runInBackground { get; set; }
    }

    public static class Debug
    {
        public static readonly List<string> Said = new List<string>();

        public static void LogError(object message, Object context)
        {
            Said.Add("error: " + message);
        }

        public static void LogWarning(object message, Object context)
        {
            Said.Add("warning: " + message);
        }

        public static void LogException(Exception exception, Object context)
        {
            Said.Add("exception: " + exception);
        }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class DefaultExecutionOrder : Attribute
    {
        public readonly int Order;

        public DefaultExecutionOrder(int order)
        {
            Order = order;
        }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class DisallowMultipleComponent : Attribute { }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class AddComponentMenu : Attribute
    {
        public AddComponentMenu(string menuName) { }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class RequireComponent : Attribute
    {
        public RequireComponent(Type requiredComponent) { }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class TooltipAttribute : Attribute
    {
        public TooltipAttribute(string tooltip) { }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class HeaderAttribute : Attribute
    {
        public HeaderAttribute(string header) { }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class RangeAttribute : Attribute
    {
        public RangeAttribute(float min, float max) { }
    }
}
