using System.Collections.Generic;
using UnityEngine;

namespace GestureStream
{
    /// <summary>
    /// Moves the face's blend shapes: the 52 ARKit shapes, or the first ten expressions of an SMPL-X mesh, whichever the client asks
    /// for; never both, they describe the same face.
    /// </summary>
    [DefaultExecutionOrder(100)]
    [AddComponentMenu("GestureStream/Blendshape Face")]
    public sealed class BlendshapeFace : MonoBehaviour
    {
        const int Expressions = 10;

        struct Shape
        {
            public SkinnedMeshRenderer Mesh;
            public int Index, Source;
            public float FullWeight;
        }

        public GestureStreamClient client;
        [Tooltip("Empty: all skinned meshes below this object.")]
        public SkinnedMeshRenderer[] meshes = new SkinnedMeshRenderer[0];
        [Tooltip("Name of an expression's shape without its number: Exp000 to Exp009 in the SMPL-X packages.")]
        public string expressionPrefix = "Exp";

        Shape[] _shapes = new Shape[0];
        Ready _boundTo;

        void LateUpdate()
        {
            if (client == null || !client.HasPose || client.Ready == null) return;
            if (_boundTo != client.Ready) Bind(client.Ready);
            var values = client.face == FaceFormat.Expressions ? client.Pose.Expressions : client.Pose.Blendshapes;
            foreach (var shape in _shapes)
            {
                if (shape.Source < values.Length) shape.Mesh.SetBlendShapeWeight(shape.Index, shape.FullWeight * values[shape.Source]);
            }
        }

        void Bind(Ready ready)
        {
            _boundTo = ready;
            if (meshes.Length == 0) meshes = GetComponentsInChildren<SkinnedMeshRenderer>(true);
            var sources = Sources(ready);
            var shapes = new List<Shape>();
            foreach (var mesh in meshes)
            {
                for (var i = 0; mesh.sharedMesh != null && i < mesh.sharedMesh.blendShapeCount; ++i)
                {
                    int source;
                    if (!sources.TryGetValue(BlendshapeNames.Plain(mesh.sharedMesh.GetBlendShapeName(i)), out source)) continue;
                    // What the importer made of "fully on": 100 as a rule, 1 in some glTF importers.
                    var full = mesh.sharedMesh.GetBlendShapeFrameWeight(i, mesh.sharedMesh.GetBlendShapeFrameCount(i) - 1);
                    shapes.Add(new Shape { Mesh = mesh, Index = i, Source = source, FullWeight = full });
                }
            }
            _shapes = shapes.ToArray();
            if (_shapes.Length == 0 && client.face != FaceFormat.JointsOnly) Debug.LogWarning("BlendshapeFace: no mesh of " + name + " has shapes named as " + client.face + "; set the client's face to what it has.", this);
        }

        Dictionary<string, int> Sources(Ready ready)
        {
            var sources = new Dictionary<string, int>();
            if (client.face == FaceFormat.Blendshapes)
            {
                for (var i = 0; i < ready.BlendshapeNames.Count; ++i) sources[BlendshapeNames.Plain(ready.BlendshapeNames[i])] = i;
            }
            if (client.face == FaceFormat.Expressions)
            {
                for (var i = 0; i < Expressions; ++i) sources[BlendshapeNames.Plain(expressionPrefix + i.ToString("000"))] = i;
            }
            return sources;
        }
    }
}
