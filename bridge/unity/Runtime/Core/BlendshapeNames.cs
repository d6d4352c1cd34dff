namespace GestureStream
{
    /// <summary>The same shape under the names that tools give it: eyeBlinkLeft, EyeBlink_L, blendShape1.eyeBlink_L.</summary>
    public static class BlendshapeNames
    {
        public static string Plain(string name)
        {
            var plain = name.Substring(name.LastIndexOfAny(new[] { '.', ':' }) + 1).ToLowerInvariant();
            if (plain.EndsWith("_l")) plain = plain.Substring(0, plain.Length - 2) + "left";
            else if (plain.EndsWith("_r")) plain = plain.Substring(0, plain.Length - 2) + "right";
            return plain.Replace("_", "");
        }
    }
}
