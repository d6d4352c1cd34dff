using UnityEditor;
using UnityEngine;

namespace GestureStream
{
    /// <summary>What a session does, and buttons to try it, while the game runs.</summary>
    [CustomEditor(typeof(GestureStreamClient))]
    sealed class GestureStreamClientEditor : Editor
    {
        public override bool RequiresConstantRepaint()
        {
            return Application.isPlaying;
        }

        public override void OnInspectorGUI()
        {
            DrawDefaultInspector();
            if (!Application.isPlaying) return;
            var client = (GestureStreamClient)target;
            EditorGUILayout.LabelField("Status", client.Status);
            if (client.Session != null) Counts(client.Session);
            if (GUILayout.Button("Interrupt")) client.Interrupt();
            if (GUILayout.Button("Connect anew")) client.Connect();
        }

        static void Counts(Session session)
        {
            var counts = session.Counts;
            EditorGUILayout.LabelField("Frames", counts.Frames + ", missing " + counts.Missing + ", malformed " + counts.Malformed);
            EditorGUILayout.LabelField("Buffer", session.Player.Buffer.Count + " frames, underruns " + session.Player.Underruns);
            if (session.Clock.Known) EditorGUILayout.LabelField("Round trip", (1e3 * session.Clock.RoundTrip_s).ToString("F1") + " ms");
        }
    }
}
