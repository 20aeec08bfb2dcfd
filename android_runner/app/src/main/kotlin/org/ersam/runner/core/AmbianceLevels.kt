package org.ersam.runner.core

/** Levels of social ambiance as a manifest has them: level i begins at edges[i - 1] people. */
class AmbianceLevels(private val edges: List<Int>, private val names: List<String>) {
    init {
        require(names.size == edges.size + 1) { "${names.size} names for ${edges.size} edges, expected one more" }
    }

    /**
     * The level with the largest summed probability, as `search_spaces/ambiance.py` decides.
     *
     * @param probabilities [K], of each count of people from 0.
     */
    fun decide(probabilities: FloatArray): String {
        val sums = FloatArray(names.size)
        probabilities.forEachIndexed { count, probability -> sums[edges.count { it <= count }] += probability }
        return names[sums.indices.maxBy { sums[it] }]
    }
}
